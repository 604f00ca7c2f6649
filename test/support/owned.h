/*
 * owned - a unique_ptr to a C object, with the function that frees it:
 *
 *	using Spool = support::Owned<spool, spool_free>;
 */
#ifndef TEST_SUPPORT_OWNED_H
#define TEST_SUPPORT_OWNED_H

#include <memory>

namespace support
{

template <auto free_it> struct Freed {
	template <typename T> void operator()(T *p) const
	{
		free_it(p);
	}
};

template <typename T, auto free_it> using Owned = std::unique_ptr<T, Freed<free_it>>;

} // namespace support

#endif
