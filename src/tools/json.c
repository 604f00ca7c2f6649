#include "tools/json.h"

#include <inttypes.h>

static void quote(FILE *to, const char *text)
{
	fputc('"', to);
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if (*c < 0x20)
			fprintf(to, "\\u%04x", *c);
		else
			fputc(*c, to);
	}
	fputc('"', to);
}

void json_begin(FILE *to, const char *event)
{
	fputs("{\"event\":", to);
	quote(to, event);
}

void json_text(FILE *to, const char *name, const char *text)
{
	fprintf(to, ",\"%s\":", name);
	if (text != NULL)
		quote(to, text);
	else
		fputs("null", to);
}

void json_number(FILE *to, const char *name, uint64_t value)
{
	fprintf(to, ",\"%s\":%" PRIu64, name, value);
}

void json_real(FILE *to, const char *name, double value)
{
	fprintf(to, ",\"%s\":%.3f", name, value);
}

void json_bool(FILE *to, const char *name, bool value)
{
	fprintf(to, ",\"%s\":%s", name, value ? "true" : "false");
}

void json_end(FILE *to)
{
	fputs("}\n", to);
	fflush(to);
}
