#include "tools/login.h"

#include "base/addr.h"
#include "tools/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_MAX 4096

static bool read_file(const char *command, const char *file, char **password)
{
	char line[PASSWORD_MAX];
	FILE *f = fopen(file, "re");
	bool got, whole;

	if (f == NULL) {
		tool_error("%s: cannot read the password file %s: %m", command, file);
		return false;
	}
	setvbuf(f, NULL, _IONBF, 0); /* leave no copy in a buffer */
	got = fgets(line, sizeof(line), f) != NULL;
	whole = !got || strlen(line) < sizeof(line) - 1 || strchr(line, '\n') != NULL;
	if (!whole) {
		tool_error("%s: the password file %s has a first line of more than %d bytes, which "
			   "is no password",
			command, file, PASSWORD_MAX - 2);
		explicit_bzero(line, sizeof(line));
		fclose(f);
		return false;
	}
	if (got)
		line[strcspn(line, "\r\n")] = '\0';
	if (!got || line[0] == '\0') {
		tool_error("%s: the password file %s %s", command, file,
			ferror(f) ? "cannot be read"
				  : "holds no password: its first line has to be the password");
		fclose(f);
		return false;
	}
	fclose(f);
	*password = strdup(line);
	explicit_bzero(line, sizeof(line));
	if (*password == NULL)
		tool_error("%s: out of memory", command);
	return *password != NULL;
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
	tool_error("%s: '%s' is no address of a Redis: write host:port, or the path of its Unix "
		   "socket, which begins with a '/'",
		command, text);
	return false;
}
