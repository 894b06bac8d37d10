/* Written by tools/fit_polynomials.py; do not edit. */
#ifndef FASTACT_CONSTANTS_H
#define FASTACT_CONSTANTS_H

/* adding it rounds |z| < 2^51 to an integer, which then sits in the low mantissa bits */
#define ROUND_TO_INTEGER 0x1.8000000000000p+52

/* log2(e) */
#define LOG2_E 0x1.71547652b82fep+0

/* ln 2 */
#define LN2 0x1.62e42fefa39efp-1

/* ln 2 in 41 bits: k * LN2_HIGH is exact for |k| < 2^12 */
#define LN2_HIGH 0x1.62e42fefa4000p-1

/* ln 2 - LN2_HIGH */
#define LN2_LOW -0x1.8432a1b0e2634p-43

/* expm1(r) = r (c0 + ... + c6 r^6), |r| <= ln2/2 (1 + 2^-20), relative error 2^-32.00 */
#define EXPM1_DOUBLE_C0 0x1.0000000022504p+0
#define EXPM1_DOUBLE_C1 0x1.0000002814295p-1
#define EXPM1_DOUBLE_C2 0x1.555554c6081a3p-3
#define EXPM1_DOUBLE_C3 0x1.5554adb470d72p-5
#define EXPM1_DOUBLE_C4 0x1.1111a674b8f05p-7
#define EXPM1_DOUBLE_C5 0x1.6d7481b5e94eep-10
#define EXPM1_DOUBLE_C6 0x1.a019e9c26384ap-13

/* expm1(r) = r + r^2 (c0 + ... + c10 r^10), |r| <= ln2/2 (1 + 2^-20), relative error 2^-61.62 */
#define EXPM1_PAIR_C0 0x1.0000000000000p-1
#define EXPM1_PAIR_C1 0x1.5555555555559p-3
#define EXPM1_PAIR_C2 0x1.5555555555558p-5
#define EXPM1_PAIR_C3 0x1.111111110f6eap-7
#define EXPM1_PAIR_C4 0x1.6c16c16c16a16p-10
#define EXPM1_PAIR_C5 0x1.a01a01afaacbep-13
#define EXPM1_PAIR_C6 0x1.a01a019e84fe0p-16
#define EXPM1_PAIR_C7 0x1.71ddf916cdab3p-19
#define EXPM1_PAIR_C8 0x1.27e4f768d7058p-22
#define EXPM1_PAIR_C9 0x1.af5d3a91c1664p-26
#define EXPM1_PAIR_C10 0x1.1f3b962751ac5p-29

/* Below, several doubles stand for their sum. */

/* x0, the root of 1 + x + e^x */
#define SILU_DERIVATIVE_ROOT -0x1.474973c84120bp+0, -0x1.f8d74bc9ac154p-54, -0x1.44a50180ba780p-108

/* e^x0 */
#define SILU_DERIVATIVE_ROOT_EXP 0x1.1d25cf210482ep-2, -0x1.ca2d0d94faaecp-60

/* x0, the root of n^3 + 4 n^2 + (4 x + 6) n + 4 (x + 1), n = e^x */
#define MISH_DERIVATIVE_ROOT -0x1.31432c0d12d84p+0, -0x1.bf319154da210p-55, -0x1.3b82ea8c1efc4p-109

/* n0 = e^x0 */
#define MISH_DERIVATIVE_ROOT_EXP 0x1.36c4202fc3eccp-2, 0x1.6d73a02f8d922p-56

/* n0^3; the sum above is q (A q^2 + B q + C) + 4 (x - x0) (1 + n), q = expm1(x - x0) */
#define MISH_DERIVATIVE_A 0x1.c9f40193f744cp-6, -0x1.cd6edac167dafp-60

/* 3 n0^3 + 4 n0^2 */
#define MISH_DERIVATIVE_B 0x1.cf1d5480ba0e5p-2, -0x1.092627b956871p-57

/* 3 n0^3 + 8 n0^2 + (6 + 4 x0) n0 */
#define MISH_DERIVATIVE_C 0x1.31ac354e2a079p+0, -0x1.6e2f9b89c3bdbp-56

#endif
