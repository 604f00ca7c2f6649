#include "session/alloc.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>

namespace
{

std::atomic<uint64_t> countdown{0}; /* 0: none is to fail */
std::atomic<bool> failed{false};
std::atomic<int64_t> live{0};
std::atomic<int64_t> peak{0};
std::string wanted; /* empty: nothing */
std::atomic<uint64_t> hits{0};

void look_into(const void *p, size_t size)
{
	if (p && !wanted.empty() && memmem(p, size, wanted.data(), wanted.size()))
		hits++;
}

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

void grow(int64_t size)
{
	const int64_t now = live.fetch_add(size) + size;
	int64_t most = peak.load();

	while (now > most && !peak.compare_exchange_weak(most, now))
		continue;
}

void *note(void *p)
{
	if (p)
		grow(static_cast<int64_t>(malloc_usable_size(p)));
	return p;
}

void forget(void *p)
{
	if (!p)
		return;
	look_into(p, malloc_usable_size(p));
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

void look_for(const std::string &bytes)
{
	wanted = bytes;
	hits = 0;
}

uint64_t found()
{
	return hits;
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

/* With 64 bits for a file's offset, which is what mmap() is then called. */
void *__real_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset);
void *__real_mremap(void *p, size_t size, size_t new_size, int flags);
int __real_munmap(void *p, size_t size);

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mremap(void *p, size_t size, size_t new_size, int flags);
int __wrap_munmap(void *p, size_t size);

void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	void *p = fails() ? MAP_FAILED : __real_mmap64(at, size, prot, flags, fd, offset);

	if (p != MAP_FAILED)
		grow(static_cast<int64_t>(size));
	return p;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	return __wrap_mmap64(at, size, prot, flags, fd, offset);
}

void *__wrap_mremap(void *p, size_t size, size_t new_size, int flags)
{
	void *grown = fails() ? MAP_FAILED : __real_mremap(p, size, new_size, flags);

	if (grown != MAP_FAILED)
		grow(static_cast<int64_t>(new_size) - static_cast<int64_t>(size));
	return grown;
}

int __wrap_munmap(void *p, size_t size)
{
	look_into(p, size);
	live -= static_cast<int64_t>(size);
	return __real_munmap(p, size);
}
}

namespace alloc
{

void release(void *p)
{
	__wrap_free(p);
}

} // namespace alloc
