/*
 * wire_ends - the two halves of the wire, over memory, with the key of the golden streams.
 */
#ifndef TEST_SESSION_WIRE_ENDS_H
#define TEST_SESSION_WIRE_ENDS_H

#include "entropy/material.h"
#include "entropy/wire.h"
#include "session/channel.h"
#include "support/owned.h"
#include "support/status.h"
#include "support/wire_bytes.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace session
{

constexpr uint32_t kMiB5 = 5 * 1024 * 1024;

inline struct cipher *sample_cipher()
{
	static support::Owned<struct cipher, cipher_free> cipher;

	if (!cipher) {
		struct dyn_entropy_material m;
		struct cipher *made = nullptr;
		support::Error err;

		std::copy_n(support::kSampleSecret, sizeof(m.key), m.key);
		std::copy_n(support::kSampleSecret, sizeof(m.iv), m.iv);
		EXPECT_TRUE(support::succeeds(cipher_new(&m, &made, err), err));
		cipher.reset(made);
	}
	return cipher.get();
}

/* ---- Outbound ---- */

using Out = support::Owned<struct wire_out, wire_out_free>;

inline Out make_out(uint32_t buffer_size, uint32_t header_size, bool encrypt)
{
	const struct wire_out_options options = {
		buffer_size, header_size, encrypt ? sample_cipher() : nullptr};
	struct wire_out *w = nullptr;
	support::Error err;

	EXPECT_TRUE(support::succeeds(wire_out_new(&options, &w, err), err));
	return Out(w);
}

/* The rest of a session, appended to *all. */
inline enum dyn_entropy_status drain(struct wire_out *w, std::string *all, support::Error &err)
{
	const uint8_t *bytes;
	size_t len = 1;

	while (len > 0) {
		const auto status = wire_out_next(w, &bytes, &len, err);

		if (status != DYN_ENTROPY_OK)
			return status;
		all->append(reinterpret_cast<const char *>(bytes), len);
	}
	return DYN_ENTROPY_OK;
}

inline std::string encode(
	const std::string &plain, uint32_t buffer_size, uint32_t header_size, bool encrypt)
{
	Source source({plain});
	Out w = make_out(buffer_size, header_size, encrypt);
	std::string all;
	support::Error err;

	source.begin();
	wire_out_begin(w.get(), source.get(), static_cast<uint32_t>(plain.size()));
	EXPECT_TRUE(support::succeeds(drain(w.get(), &all, err), err));
	EXPECT_EQ(wire_out_plain_bytes(w.get()), plain.size());
	return all;
}

/* ---- Inbound ---- */

struct In {
	struct wire_in *wire = nullptr;
	std::string delivered;
	support::Error err;

	explicit In(bool encrypt = true, uint64_t max = DYN_ENTROPY_SNAPSHOT_MAX)
	{
		const struct wire_in_options options = {
			encrypt ? sample_cipher() : nullptr, max, deliver, this};

		EXPECT_TRUE(support::succeeds(wire_in_new(&options, &wire, err), err));
	}
	~In()
	{
		wire_in_free(wire);
	}
	In(const In &) = delete;
	In &operator=(const In &) = delete;

	enum dyn_entropy_status feed(const std::string &bytes)
	{
		/* A separate copy, so that a sanitizer sees a read past its end. */
		const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);

		std::copy(bytes.begin(), bytes.end(), copy.get());
		return wire_in_feed(wire, copy.get(), bytes.size(), err);
	}
	/* All of a session, and its end. */
	enum dyn_entropy_status take(const std::string &bytes)
	{
		const auto status = feed(bytes);

		return status == DYN_ENTROPY_OK ? wire_in_finish(wire, err) : status;
	}

      private:
	static enum dyn_entropy_status deliver(
		void *arg, const void *bytes, size_t len, struct dyn_entropy_error *)
	{
		static_cast<In *>(arg)->delivered.append(static_cast<const char *>(bytes), len);
		return DYN_ENTROPY_OK;
	}
};

} // namespace session

#endif
