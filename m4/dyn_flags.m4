# Compiler and linker flags that are used only where the tool chain takes them.

# DYN_ADD_CFLAG(FLAG, VARIABLE): append FLAG to VARIABLE if the C compiler takes it without a
# warning, also when it links.
AC_DEFUN([DYN_ADD_CFLAG], [
	AS_VAR_PUSHDEF([cache], [dyn_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC takes $1], [cache], [
		dyn_save_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		CFLAGS=$dyn_save_cflags
	])
	AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$2], [" $1"])])
	AS_VAR_POPDEF([cache])
])

# DYN_ADD_LDFLAG(FLAG, VARIABLE): the same for a flag of the linker.
AC_DEFUN([DYN_ADD_LDFLAG], [
	AS_VAR_PUSHDEF([cache], [dyn_cv_ldflag_$1])
	AC_CACHE_CHECK([whether the linker takes $1], [cache], [
		dyn_save_ldflags=$LDFLAGS
		LDFLAGS="$LDFLAGS $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		LDFLAGS=$dyn_save_ldflags
	])
	AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$2], [" $1"])])
	AS_VAR_POPDEF([cache])
])

# DYN_REQUIRE(PREFIX, MODULE, VERSION, DEBIAN-PACKAGE): find a library by pkg-config.  What is
# missing is collected, so that configure names all of it at once.  The headers of others are
# included as system headers: our warnings are for our code.
AC_DEFUN([DYN_REQUIRE], [
	PKG_CHECK_MODULES([$1], [$2 >= $3],
		[$1_CFLAGS=`AS_ECHO([" $$1_CFLAGS"]) | sed 's/ -I/ -isystem /g'`],
		[AS_VAR_APPEND([dyn_missing], ["
    $2 >= $3 (Debian: $4)"])
		 AS_VAR_APPEND([dyn_missing_packages], [" $4"])])
])

# DYN_DIR_OPTION(OPTION, VARIABLE, WHAT): --with-OPTION=DIR, off unless given.
AC_DEFUN([DYN_DIR_OPTION], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [install the $3 in DIR (default: no)])],
		[], [with_$1=no])
	AS_CASE([$with_$1],
		[yes], [AC_MSG_ERROR([--with-$1 wants a directory: --with-$1=DIR])],
		[no], [$2=],
		[$2=$with_$1])
	AC_SUBST([$2])
	AM_CONDITIONAL(m4_toupper([$2_SET]), [test -n "$$2"])
])
