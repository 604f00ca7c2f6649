/*
 * conf_loading - what the tests of dynomite.yml share: a load and what came of it.
 */
#ifndef TEST_UNIT_CONF_LOADING_H
#define TEST_UNIT_CONF_LOADING_H

#include "conf/conf_internal.h"
#include "conf/conf_print.h"
#include "support/owned.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace conf_loading
{

using Lines = std::vector<std::string>;

struct Loaded {
	support::Owned<struct conf, conf_free> conf;
	Lines errors;
	Lines warnings;
};

inline Lines lines_of(const conf_list &list)
{
	return Lines(list.items, list.items + list.n);
}

inline Loaded load_path(const std::string &path)
{
	Loaded l;
	conf_report report;

	l.conf.reset(conf_load(path.c_str(), &report));
	l.errors = lines_of(report.errors);
	l.warnings = lines_of(report.warnings);
	conf_report_fini(&report);
	return l;
}

inline Loaded load_text(const std::string &text)
{
	Loaded l;
	conf_report report = {};

	l.conf.reset(conf_load_text(
		"t.yml", reinterpret_cast<const uint8_t *>(text.data()), text.size(), &report));
	l.errors = lines_of(report.errors);
	l.warnings = lines_of(report.warnings);
	conf_report_fini(&report);
	return l;
}

/* A file with these keys, two blanks before each line. */
inline Loaded load_keys(const std::string &keys)
{
	return load_text("dyn_o_mite:\n" + keys);
}

/* The only error of such a file; something else when there is none, or more. */
inline std::string error_of(const std::string &keys)
{
	Loaded l = load_keys(keys);

	if (l.errors.size() != 1)
		return std::to_string(l.errors.size()) + " errors";
	return l.conf ? "an error, and yet it was loaded" : l.errors[0];
}

inline std::string printed(const conf *c)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (c)
		conf_print(c, to);
	else
		conf_print_help(to);
	fclose(to);
	std::string all(text, len);
	free(text);
	return all;
}

inline std::string allowed(const conf_key &k)
{
	char text[CONF_WORDS_MAX];

	return conf_key_allowed(&k, text, sizeof(text));
}

inline std::string type_and_unit(const conf_key &k)
{
	return std::string(conf_key_type(&k)) + (k.unit ? std::string(", ") + k.unit : "");
}

inline std::string default_of(const conf_key &k)
{
	char text[CONF_NUMBER_MAX];

	return conf_key_default(&k, text);
}

/* One that does not depend on other keys. */
inline bool has_default(const conf_key &k)
{
	return k.def_text || conf_key_has_number(&k);
}

inline bool is_number(const conf_key &k)
{
	return k.type == CONF_TYPE_NUMBER || k.type == CONF_TYPE_SIZE;
}

inline int64_t number_in(const conf *c, const conf_key &k)
{
	return conf_key_number(&k, c);
}

inline const char kDynomiteFile[] = R"(dyn_o_mite:
  datacenter: us-east-1
  rack: rack1
  dyn_listen: 127.0.0.1:8101
  dyn_seeds:
  - 127.0.0.2:8101:rack2:us-east-1:1383429731
  - node3.example:8101:rack3:eu-west-1:101134286,2147483647
  dyn_seed_provider: simple_provider
  listen: 127.0.0.1:8102
  servers:
  - 127.0.0.1:22122:1
  tokens: '101134286'
  secure_server_option: datacenter
  pem_key_file: conf/dynomite.pem
  data_store: 0
  stats_listen: 0.0.0.0:22222
  read_consistency : dc_quorum
  mbuf_size: 32768
  max_msgs: 300000
  timeout: 0
)";

/* The channel enabled, six lines from the second on. */
inline const char kGood[] = "  servers: [127.0.0.1:6379:1]\n  dyn_listen: 127.0.0.1:8101\n"
			    "  recon_key_file: k\n  recon_iv_file: i\n  recon_enabled: true\n";

} // namespace conf_loading

#endif
