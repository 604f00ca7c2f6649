#include "session/alloc.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <malloc.h>

namespace
{

std::atomic<uint64_t> countdown{0}; /* 0: none is to fail */
std::atomic<bool> failed{false};
std::atomic<int64_t> live{0};
std::atomic<int64_t> peak{0};

bool fails()
{
	uint64_t left = countdown.load();

	while (left > 0 && !countdown.compare_exchange_weak(left, left - 1))
		continue;
	if (left != 1)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *note(void *p)
{
	if (!p)
		return p;
	const int64_t size = static_cast<int64_t>(malloc_usable_size(p));
	const int64_t now = live.fetch_add(size) + size;
	int64_t most = peak.load();

	while (now > most && !peak.compare_exchange_weak(most, now))
		continue;
	return p;
}

void forget(void *p)
{
	if (p)
		live -= static_cast<int64_t>(malloc_usable_size(p));
}

} // namespace

namespace alloc
{

void fail_nth(uint64_t n)
{
	failed = false;
	countdown = n;
}

bool has_failed()
{
	return failed;
}

int64_t live_bytes()
{
	return live;
}

int64_t peak_bytes()
{
	return peak;
}

void reset_peak()
{
	peak = live.load();
}

} // namespace alloc

extern "C" {

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
	return fails() ? nullptr : note(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? nullptr : note(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	if (fails())
		return nullptr;
	forget(p);
	void *grown = __real_realloc(p, size);
	note(grown ? grown : p);
	return grown;
}

char *__wrap_strdup(const char *text)
{
	const size_t size = strlen(text) + 1;
	void *copy = __wrap_malloc(size);

	return copy ? static_cast<char *>(memcpy(copy, text, size)) : nullptr;
}

void __wrap_free(void *p)
{
	forget(p);
	__real_free(p);
}
}

namespace alloc
{

void release(void *p)
{
	__wrap_free(p);
}

} // namespace alloc
