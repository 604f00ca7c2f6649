/*
 * standard - what many test files include of GoogleTest and of the standard library, to be compiled
 * once for all of them (configure --enable-precompiled-header).  No file includes it: each names
 * what it needs, and is built without this header too.
 */
#ifndef TEST_SUPPORT_STANDARD_H
#define TEST_SUPPORT_STANDARD_H

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#endif
