#include "tools/login.h"

#include "base/addr.h"
#include "base/file.h"
#include "tools/tool.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORD_MAX 4094

static bool read_file(const char *command, const char *file, char **password)
{
	struct file line;
	char text[FILE_PROBLEM_MAX];
	enum file_status status = file_read_line(file, PASSWORD_MAX, &line);

	if (status == FILE_TOO_LARGE) {
		tool_error("%s: the password file %s has a first line of more than %d bytes, which "
			   "is no password",
			command, file, PASSWORD_MAX);
		return false;
	}
	if (status != FILE_OK) {
		tool_error(
			"%s: the password file %s %s", command, file, file_problem(status, text));
		return false;
	}
	/* it is used as a C string */
	if (line.len == 0 || memchr(line.bytes, '\0', line.len) != NULL) {
		tool_error("%s: the password file %s holds no password: its first line has to be "
			   "the password",
			command, file);
		file_fini(&line);
		return false;
	}
	*password = (char *)line.bytes;
	return true;
}

bool login_password(const char *command, const char *file, const char *env, char **password)
{
	const char *value;

	*password = NULL;
	if (file != NULL)
		return read_file(command, file, password);
	value = getenv(env);
	if (value == NULL || value[0] == '\0')
		return true;
	*password = strdup(value);
	if (*password == NULL)
		tool_error("%s: out of memory", command);
	return *password != NULL;
}

void login_forget(char *password)
{
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	free(password);
}

bool login_address_ok(const char *command, const char *text)
{
	struct addr a;

	if (text[0] == '/' || (addr_parse(&a, text) && a.port > 0))
		return true;
	tool_error(
		"%s: '%s' is not the address of a Redis: write host:port, or the path of its Unix "
		"socket, which begins with a '/'",
		command, text);
	return false;
}
