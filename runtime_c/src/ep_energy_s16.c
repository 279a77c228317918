/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_energy.h"

typedef struct {
    int32_t re;
    int32_t im;
} ep_complex;

/* What is left of a number in int16. */
static int32_t wrapped(int32_t v)
{
    return (int16_t)(uint16_t)((uint32_t)v & 0xFFFFu);
}

static int32_t rounded(int32_t v)
{
    return wrapped((v + (1 << 14)) >> 15);
}

/* A point times share / 2^15. */
static ep_complex scaled(const int16_t *at, int32_t share)
{
    const ep_complex made = {rounded(at[0] * share), rounded(at[1] * share)};
    return made;
}

static ep_complex product(ep_complex a, const int16_t *root)
{
    const ep_complex made = {rounded(a.re * root[0] - a.im * root[1]),
                             rounded(a.re * root[1] + a.im * root[0])};
    return made;
}

static ep_complex sum(ep_complex a, ep_complex b)
{
    const ep_complex made = {wrapped(a.re + b.re), wrapped(a.im + b.im)};
    return made;
}

static ep_complex difference(ep_complex a, ep_complex b)
{
    const ep_complex made = {wrapped(a.re - b.re), wrapped(a.im - b.im)};
    return made;
}

static void keep(int16_t *at, ep_complex a)
{
    at[0] = (int16_t)a.re;
    at[1] = (int16_t)a.im;
}

/* Two points a distance apart become two. */
static void two(int16_t *at, int32_t apart, const int16_t *root)
{
    const ep_complex a = scaled(at, 16383), b = product(scaled(at + apart, 16383), root);
    keep(at, sum(a, b));
    keep(at + apart, difference(a, b));
}

/* Four points become four; their roots are so far apart as step says, and twice and thrice. */
static void four(int16_t *at, int32_t apart, const int16_t *roots, int32_t step)
{
    const ep_complex a = scaled(at, 8191);
    const ep_complex b = product(scaled(at + apart, 8191), roots + step);
    const ep_complex c = product(scaled(at + 2 * apart, 8191), roots + 2 * step);
    const ep_complex d = product(scaled(at + 3 * apart, 8191), roots + 3 * step);
    const ep_complex low = difference(a, c), high = sum(a, c);
    const ep_complex both = sum(b, d), gap = difference(b, d);
    const ep_complex turned = {gap.im, -gap.re};
    keep(at, sum(high, both));
    keep(at + apart, sum(low, turned));
    keep(at + 2 * apart, difference(high, both));
    keep(at + 3 * apart, difference(low, turned));
}

/* Puts points into the order of the first stage: the digits of their numbers reversed. */
static void scatter(int32_t bits, const int16_t *samples, int16_t *points)
{
    for (int32_t i = 0; i < (int32_t)1 << bits; i++) {
        int32_t from = 0, at = 0, left = bits;
        while (left > 0) {
            const int32_t width = left > 1 ? 2 : 1;
            left -= width;
            from |= ((i >> left) & ((1 << width) - 1)) << at;
            at += width;
        }
        points[2 * i] = samples[2 * from];
        points[2 * i + 1] = samples[2 * from + 1];
    }
}

/* The complex transform, in place. */
static void transform(int32_t bits, const int16_t *roots, int16_t *points)
{
    const int32_t n = (int32_t)1 << bits;
    int32_t m = 1; /* points of the parts that are joined */
    if ((bits & 1) != 0) {
        for (int32_t i = 0; i < n; i += 2) {
            two(points + 2 * i, 2, roots);
        }
        m = 2;
    }
    while (m < n) {
        const int32_t blocks = n / (4 * m);
        for (int32_t i = 0; i < n; i += 4 * m) {
            for (int32_t k = 0; k < m; k++) {
                four(points + 2 * (i + k), 2 * m, roots, 2 * blocks * k);
            }
        }
        m *= 4;
    }
}

static uint32_t squared(int32_t re, int32_t im)
{
    return (uint32_t)(re * re) + (uint32_t)(im * im);
}

void ep_energy_s16(int32_t bits, const int16_t *roots, const int16_t *samples, int16_t *points,
                   int32_t first, int32_t last, uint32_t *energies)
{
    const int32_t n = (int32_t)1 << bits;
    const int16_t *const real_roots = roots + 2 * (3 * n / 4);
    scatter(bits, samples, points);
    transform(bits, roots, points);
    const ep_complex ends = scaled(points, 16383);
    energies[0] = squared(wrapped(ends.re + ends.im), 0);
    energies[n] = squared(wrapped(ends.re - ends.im), 0);
    for (int32_t k = 1; k <= n / 2; k++) {
        const int16_t *const mirrored = points + 2 * (n - k);
        const int16_t conjugate[] = {mirrored[0], (int16_t)wrapped(-(int32_t)mirrored[1])};
        const ep_complex a = scaled(points + 2 * k, 16383), b = scaled(conjugate, 16383);
        const ep_complex even = sum(a, b);
        const ep_complex odd = product(difference(a, b), real_roots + 2 * (k - 1));
        energies[k] = squared((even.re + odd.re) >> 1, (even.im + odd.im) >> 1);
        energies[n - k] = squared((even.re - odd.re) >> 1, (odd.im - even.im) >> 1);
    }
    for (int32_t k = 0; k <= n; k++) {
        energies[k] = k < first || k >= last ? 0 : energies[k];
    }
}
