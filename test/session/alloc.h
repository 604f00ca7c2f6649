/*
 * alloc - memory as the library gets it: how much it holds, and what happens when there is none.
 *
 * The test program is linked with --wrap, so that every malloc, calloc, realloc, strdup and free of
 * the library, and what it maps, passes through here.  Any thread.
 */
#ifndef TEST_SESSION_ALLOC_H
#define TEST_SESSION_ALLOC_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace alloc
{

/* The nth allocation from now on fails, the ones after it do not.  0: none does. */
void fail_nth(uint64_t n);

/* Whether it has come to that. */
bool has_failed();

/* Bytes that are allocated now, and the most there have been since reset_peak(). */
int64_t live_bytes();
int64_t peak_bytes();
void reset_peak();

/* Look for these bytes in all memory that is given back from now on, and count the pieces that hold
 * them.  Not while other threads allocate. */
void look_for(const std::string &bytes);
uint64_t found();

/* free() for what the library gave to the test. */
void release(void *p);

} // namespace alloc

#endif
