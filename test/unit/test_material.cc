#include "entropy/material.h"
#include "support/owned.h"
#include "support/status.h"
#include "support/tempdir.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

const std::string kRaw = "0123456789abcdef";
const std::string kBase64 = "MDEyMzQ1Njc4OWFiY2RlZg=="; /* of kRaw */

std::string armour(const std::string &label, const std::string &body = kBase64)
{
	return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
}

std::string crlf(const std::string &text)
{
	std::string out;

	for (char c : text)
		out += c == '\n' ? std::string("\r\n") : std::string(1, c);
	return out;
}

enum dyn_entropy_status parse(const std::string &text, std::string *out, Error &err)
{
	/* A separate copy, so that a sanitizer sees a read past its end. */
	const std::unique_ptr<uint8_t[]> copy(new uint8_t[text.size()]);
	uint8_t block[DYN_ENTROPY_BLOCK_SIZE] = {};

	std::copy(text.begin(), text.end(), copy.get());
	enum dyn_entropy_status status =
		material_parse(copy.get(), text.size(), "a.key", block, err);
	out->assign(reinterpret_cast<char *>(block), sizeof(block));
	return status;
}

TEST(MaterialParse, Takes)
{
	const struct {
		const char *what;
		std::string text, secret;
	} cases[] = {
		{"sixteen bytes", kRaw, kRaw},
		{"more: the first sixteen count", kRaw + "more", kRaw},
		{"the shipped sample of 17 digits", "01234567890123456\n", "0123456789012345"},
		{"white space behind", kRaw + " \t\r\n\v\f\n", kRaw},
		{"white space within and before", " 123456 89abcde\tg\n", " 123456 89abcde\t"},
		{"bytes of any value", std::string("\0\x01\xff\x80", 4) + kRaw,
			std::string("\0\x01\xff\x80", 4) + kRaw.substr(0, 12)},
		{"an armour", armour("DYNOMITE RECON KEY"), kRaw},
		{"an armour of any other secret", armour("AES KEY"), kRaw},
		{"an armour with a longer body", armour("X", "MDEyMzQ1Njc4OWFiY2RlZmdoaQ=="), kRaw},
		{"an armour with CRLF", crlf(armour("X")), kRaw},
		{"an armour behind a comment", "made on a Monday\n" + armour("X"), kRaw},
		{"an armour without a newline at its end",
			armour("X").substr(0, armour("X").size() - 1), kRaw},
		{"a number that could be the length of DER", "0&" + std::string(38, '1'),
			"0&" + std::string(14, '1')},
		{"dashes", "----------------", "----------------"},
		{"a word that is no armour's", "BEGIN of a secret", "BEGIN of a secre"},
		{"an armour in two lines", armour("X", "MDEyMzQ1Njc4\nOWFiY2RlZg=="), kRaw},
	};

	for (const auto &c : cases) {
		std::string secret;
		Error err;

		EXPECT_TRUE(succeeds(parse(c.text, &secret, err), err)) << c.what;
		EXPECT_EQ(secret, c.secret) << c.what;
	}
}

struct Refused {
	const char *what;
	std::string text, words;
};

/* Each is refused with its words, which say which file, why and what to do. */
void expect_refused(const std::vector<Refused> &cases)
{
	for (const auto &c : cases) {
		std::string secret;
		Error err;

		EXPECT_TRUE(fails(
			parse(c.text, &secret, err), err, DYN_ENTROPY_ERR_KEY_MATERIAL, c.words))
			<< c.what;
		EXPECT_EQ(err.text().rfind("a.key: ", 0), 0u) << err.text();
		EXPECT_NE(err.text().find("dyn-entropy keygen"), std::string::npos) << err.text();
		EXPECT_EQ(secret, std::string(16, '\0')) << c.what << ": nothing may be given";
		EXPECT_EQ(err.text().find(kBase64.substr(0, 8)), std::string::npos) << err.text();
		EXPECT_EQ(err.text().find(kRaw.substr(1, 8)), std::string::npos) << err.text();
	}
}

TEST(MaterialParse, RefusesWhatIsTooShortOrBadlyArmoured)
{
	const std::string begin = "-----BEGIN X-----\n", end = "-----END X-----\n";

	expect_refused({
		{"nothing", "", "0 bytes: needs at least 16"},
		{"white space alone", " \r\n\t\n        \n\n\n\n\n\n\n\n\n", "0 bytes"},
		{"fifteen bytes", kRaw.substr(1), "15 bytes: needs at least 16"},
		{"fifteen and white space", kRaw.substr(1) + "\n\n", "15 bytes"},
		{"no END", begin + kBase64 + "\n", "without its END"},
		{"BEGIN alone", begin, "without its END"},
		{"END of another label", begin + kBase64 + "\n-----END Y-----\n",
			"END does not match"},
		{"END before BEGIN", end + begin + kBase64 + "\n", "armoured block"},
		{"no base64", armour("X", "*this is no base64*!"), "not valid base64"},
		{"base64 cut short", armour("X", kBase64.substr(0, 21)), "not valid base64"},
		{"a body of fifteen bytes", armour("X", "MDEyMzQ1Njc4OWFiY2Rl"),
			"15 bytes: needs at"},
		{"no body", armour("X", ""), "armoured block"},
		{"two of them", armour("X") + armour("X"), "more than one"},
		{"a byte order mark before it", "\xef\xbb\xbf" + armour("X"), "start of its line"},
		{"an indented one", "  " + armour("X"), "start of its line"},
		{"headers", armour("X", "Proc-Type: 4,ENCRYPTED\n\n" + kBase64), "headers"},
	});
}

TEST(MaterialParse, RefusesTheArmourOfSomethingElse)
{
	expect_refused({
		{"a private key", armour("PRIVATE KEY"), "'PRIVATE KEY'"},
		{"an RSA key", armour("RSA PRIVATE KEY"), "'RSA PRIVATE KEY'"},
		{"an EC key", armour("EC PRIVATE KEY"), "'EC PRIVATE KEY'"},
		{"an OpenSSH key", armour("OPENSSH PRIVATE KEY"), "'OPENSSH PRIVATE KEY'"},
		{"a locked key", armour("ENCRYPTED PRIVATE KEY"), "'ENCRYPTED PRIVATE KEY'"},
		{"a public key", armour("PUBLIC KEY"), "'PUBLIC KEY'"},
		{"a certificate", armour("CERTIFICATE"), "'CERTIFICATE'"},
		{"a request", armour("CERTIFICATE REQUEST"), "'CERTIFICATE REQUEST'"},
		{"parameters", armour("DH PARAMETERS"), "'DH PARAMETERS'"},
		{"a bundle", armour("PKCS7"), "'PKCS7'"},
		{"a message", armour("CMS"), "'CMS'"},
		{"a list", armour("X509 CRL"), "'X509 CRL'"},
		{"a session", armour("SSL SESSION PARAMETERS"), "'SSL SESSION PARAMETERS'"},
		{"a PGP message", armour("PGP MESSAGE"), "'PGP MESSAGE'"},
		{"an encrypted file", armour("AGE ENCRYPTED FILE"), "'AGE ENCRYPTED FILE'"},
		{"a label in small letters", armour("rsa private key"), "'rsa private key'"},
		{"a private key with CRLF", crlf(armour("PRIVATE KEY")), "'PRIVATE KEY'"},
	});
}

TEST(MaterialParse, RefusesWhatLooksLikeAKey)
{
	expect_refused({
		{"an SSH key", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 me@here\n",
			"looks like a key"},
		{"another", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMq me@here\n",
			"looks like a key"},
		{"a third", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlz\n", "looks like a key"},
		{"its middle", "AAAAB3NzaC1yc2EAAAADAQABAAABgQC7", "looks like a key"},
		{"an SSH2 key",
			"---- BEGIN SSH2 PUBLIC KEY ----\n" + kBase64 +
				"\n---- END SSH2 PUBLIC KEY ----\n",
			"looks like an armoured block"},
		{"an armour in small letters", "-----begin x-----\n" + kBase64 + "\n",
			"looks like an armoured block"},
		{"an age key", "AGE-SECRET-KEY-1QQPQYQS", "looks like a key"},
		{"a PuTTY key", "PuTTY-User-Key-File-3: ssh-ed25519\n", "looks like a key"},
		{"a private key in DER",
			std::string("\x30\x82\x01\x04\x02\x01\x00\x30\x0d\x06\x09\x2a", 12) +
				std::string(252, 'x'),
			"looks like a key or certificate in DER"},
		{"a short one",
			std::string("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22"
				    "\x04\x20",
				16) +
				std::string(32, 'x'),
			"looks like a key or certificate in DER"},
		{"a certificate in DER",
			std::string("\x30\x82\x01\x00\x30\x81\xfd", 7) + std::string(253, 'x'),
			"looks like a key or certificate in DER"},
	});
}

/* Cut anywhere and with any byte changed, an armour is refused or read, but nothing worse. */
TEST(MaterialParse, SurvivesEveryCutAndFlip)
{
	const std::string whole = armour("DYNOMITE RECON KEY");
	std::string secret;
	Error err;

	for (size_t cut = 0; cut < whole.size(); cut++) {
		const auto status = parse(whole.substr(0, cut), &secret, err);

		/* Until BEGIN can be seen, what there is counts as raw text. */
		if (cut >= 16 && cut + 2 < whole.size()) {
			EXPECT_EQ(status, DYN_ENTROPY_ERR_KEY_MATERIAL) << "cut at " << cut;
		}
	}
	for (size_t at = 0; at < whole.size(); at++)
		for (int bit = 0; bit < 8; bit++) {
			std::string flipped = whole;

			flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
			if (parse(flipped, &secret, err) != DYN_ENTROPY_OK) {
				EXPECT_EQ(err.e.status, DYN_ENTROPY_ERR_KEY_MATERIAL);
			}
		}
}

class MaterialFiles : public ::testing::Test
{
      protected:
	support::TempDir dir_;
	Error err_;
	const std::string key_ = dir_.write("key", kRaw),
			  iv_ = dir_.write("iv", "ABCDEFGHIJKLMNOP");

	using Material = support::Owned<dyn_entropy_material, dyn_entropy_material_free>;

	enum dyn_entropy_status load(const char *key, const char *iv, Material *out = nullptr)
	{
		dyn_entropy_material *m = nullptr;
		const auto status = dyn_entropy_material_load(key, iv, &m, err_);

		EXPECT_EQ(m != nullptr, status == DYN_ENTROPY_OK);
		const Material owned(m);
		if (out)
			*out = Material(
				dyn_entropy_material_load(key, iv, &m, err_) == DYN_ENTROPY_OK
					? m
					: nullptr);
		return status;
	}
	/* That loading path as the key and as the IV fails with these words, and names it. */
	void refuses(const std::string &path, const std::string &words)
	{
		EXPECT_TRUE(fails(load(path.c_str(), iv_.c_str()), err_,
			DYN_ENTROPY_ERR_KEY_MATERIAL, words));
		EXPECT_EQ(err_.text().rfind(path, 0), 0u) << err_.text();
		EXPECT_TRUE(fails(load(key_.c_str(), path.c_str()), err_,
			DYN_ENTROPY_ERR_KEY_MATERIAL, words));
	}
};

TEST_F(MaterialFiles, Loads)
{
	Material m;

	ASSERT_TRUE(succeeds(load(key_.c_str(), iv_.c_str(), &m), err_));
	EXPECT_EQ(std::string(reinterpret_cast<char *>(m->key), 16), kRaw);
	EXPECT_EQ(std::string(reinterpret_cast<char *>(m->iv), 16), "ABCDEFGHIJKLMNOP");
	EXPECT_FALSE(dyn_entropy_material_is_sample(m.get()));
	dyn_entropy_material_free(nullptr);
}

TEST_F(MaterialFiles, KnowsTheSample)
{
	const std::string sample = dir_.write("sample", "01234567890123456\n");
	Material m;

	ASSERT_TRUE(succeeds(load(sample.c_str(), iv_.c_str(), &m), err_));
	EXPECT_TRUE(dyn_entropy_material_is_sample(m.get()));
}

TEST_F(MaterialFiles, RefusesWhatIsNotAFileToRead)
{
	const std::string fifo = dir_.file("fifo"), broken = dir_.file("broken");

	ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
	ASSERT_EQ(symlink("nowhere", broken.c_str()), 0);
	refuses(dir_.file("missing"), "No such file");
	refuses(broken, "No such file");
	refuses(dir_.path(), "not a regular file");
	refuses(fifo, "not a regular file"); /* and does not wait for a writer */
	refuses("/dev/zero", "not a regular file");
	refuses(dir_.write("large", std::string(65536, 'k')), "too large");
	refuses(dir_.write("short", "short"), "5 bytes");
	EXPECT_TRUE(succeeds(
		load(dir_.write("largest", std::string(65535, 'k')).c_str(), iv_.c_str()), err_));
}

TEST_F(MaterialFiles, SaysWhichFileIsMissingAltogether)
{
	EXPECT_TRUE(fails(load(nullptr, iv_.c_str()), err_, DYN_ENTROPY_ERR_KEY_MATERIAL, "key"));
	EXPECT_TRUE(fails(load(key_.c_str(), nullptr), err_, DYN_ENTROPY_ERR_KEY_MATERIAL, "IV"));
}

TEST_F(MaterialFiles, SaysThatAFileMayNotBeRead)
{
	const std::string locked = dir_.write("locked", kRaw, 0000);
	const bool root = geteuid() == 0;

	ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
	ASSERT_EQ(root ? seteuid(65534) : 0, 0);
	EXPECT_TRUE(fails(load(locked.c_str(), iv_.c_str()), err_, DYN_ENTROPY_ERR_KEY_MATERIAL,
		"Permission denied"));
	EXPECT_NE(err_.text().find("let the user"), std::string::npos) << err_.text();
	ASSERT_EQ(root ? seteuid(0) : 0, 0);
}

TEST_F(MaterialFiles, GeneratesAPairThatLoads)
{
	const std::string key = dir_.file("new.key"), iv = dir_.file("new.iv");
	const mode_t old = umask(0);
	Material m;

	const auto status = dyn_entropy_material_generate(key.c_str(), iv.c_str(), err_);
	umask(old);
	ASSERT_TRUE(succeeds(status, err_));
	for (const auto &path : {key, iv}) {
		struct stat st;

		ASSERT_EQ(stat(path.c_str(), &st), 0);
		EXPECT_EQ(st.st_mode & 07777, 0600u) << path;
	}
	ASSERT_TRUE(succeeds(load(key.c_str(), iv.c_str(), &m), err_));
	EXPECT_NE(memcmp(m->key, m->iv, sizeof(m->key)), 0);
	EXPECT_FALSE(dyn_entropy_material_is_sample(m.get()));
	EXPECT_NE(support::read_file(key), support::read_file(iv));
}

TEST_F(MaterialFiles, GenerateWantsTwoNames)
{
	const std::string file = dir_.file("one");

	EXPECT_TRUE(fails(dyn_entropy_material_generate(nullptr, file.c_str(), err_), err_,
		DYN_ENTROPY_ERR_KEY_MATERIAL, "no key file"));
	EXPECT_TRUE(fails(dyn_entropy_material_generate(file.c_str(), nullptr, err_), err_,
		DYN_ENTROPY_ERR_KEY_MATERIAL, "no IV file"));
	EXPECT_NE(access(file.c_str(), F_OK), 0);
}

TEST_F(MaterialFiles, GenerateNeverOverwritesAndLeavesNoHalf)
{
	const std::string fresh = dir_.file("fresh"), dangling = dir_.file("dangling");
	const std::string missing = dir_.file("no/such/dir");

	ASSERT_EQ(symlink(fresh.c_str(), dangling.c_str()), 0);
	const struct {
		std::string key, iv, words;
	} cases[] = {
		{key_, fresh, "left as it is"},
		{fresh, iv_, "left as it is"},
		{key_, iv_, "left as it is"},
		{dangling, fresh + "2", "left as it is"},
		{missing, fresh, "No such file"},
		{fresh, missing, "No such file"},
		{fresh, fresh, "a file each"},
	};

	for (const auto &c : cases) {
		EXPECT_TRUE(fails(dyn_entropy_material_generate(c.key.c_str(), c.iv.c_str(), err_),
			err_, DYN_ENTROPY_ERR_KEY_MATERIAL, c.words))
			<< c.key << " " << c.iv;
		EXPECT_NE(access(fresh.c_str(), F_OK), 0) << "half a pair was left behind";
		EXPECT_EQ(support::read_file(key_), kRaw);
		EXPECT_EQ(support::read_file(iv_), "ABCDEFGHIJKLMNOP");
	}
}

TEST_F(MaterialFiles, GenerateLeavesNothingWhenTheDiskIsFull)
{
	const std::string key = dir_.file("full.key"), iv = dir_.file("full.iv");
	const pid_t child = fork();

	ASSERT_GE(child, 0);
	if (child == 0) {
		const struct rlimit none = {0, 0};
		Error err;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &none);
		const auto status = dyn_entropy_material_generate(key.c_str(), iv.c_str(), err);
		_exit(status == DYN_ENTROPY_ERR_KEY_MATERIAL &&
					err.text().find("cannot write") != std::string::npos
				? 0
				: 1);
	}
	int how = 0;
	ASSERT_EQ(waitpid(child, &how, 0), child);
	EXPECT_EQ(how, 0);
	EXPECT_NE(access(key.c_str(), F_OK), 0);
	EXPECT_NE(access(iv.c_str(), F_OK), 0);
}

} // namespace
