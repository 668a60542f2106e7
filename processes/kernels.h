/* What all block kernels share. A kernel is one loop that the compiler turns into vector code, once
 * for each level of x86-64 (the fitting one is picked when the program starts). For that it must not
 * be inlined (restrict would be lost), must not branch on pixels, and handles no-data by bits: "null
 * here" is an OR with the bits of NaN, "zero if null" an AND.
 *
 * clang has no clones with noinline, and gcc's thread sanitizer fails in their resolver: both build
 * the baseline alone. */
#ifndef PROCESSES_KERNELS_H
#define PROCESSES_KERNELS_H

#include "processes/kernels_fit.h"
#include "raster/block.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define CLONES                                                                                     \
    , target_clones("arch=x86-64-v4", "arch=x86-64-v3", "arch=x86-64-v2", "default")
#else
#define CLONES
#endif
#define KERNEL __attribute__((noinline CLONES)) static

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

static inline uint32_t bits_of_float(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t bits_of_double(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float nan_where_float(float x, int null)
{
    return float_of_bits(bits_of_float(x) | (-(uint32_t)null & 0x7fc00000u));
}

static inline double nan_where_double(double x, int null)
{
    return double_of_bits(bits_of_double(x) | (-(uint64_t)null & 0x7ff8000000000000u));
}

static inline float zero_where_float(float x, int zero)
{
    return float_of_bits(bits_of_float(x) & ~-(uint32_t)zero);
}

static inline double zero_where_double(double x, int zero)
{
    return double_of_bits(bits_of_double(x) & ~-(uint64_t)zero);
}

static inline float pick_float(int first, float a, float b)
{
    uint32_t mask = -(uint32_t)first;

    return float_of_bits((bits_of_float(a) & mask) | (bits_of_float(b) & ~mask));
}

static inline double pick_double(int first, double a, double b)
{
    uint64_t mask = -(uint64_t)first;

    return double_of_bits((bits_of_double(a) & mask) | (bits_of_double(b) & ~mask));
}

#endif
