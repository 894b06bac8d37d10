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

/* for the polynomials of gelu, below */
#define TAIL_SHIFT 0x1.4000000000000p+2

/* the middle of 1/(t + TAIL_SHIFT) */
#define TAIL_CENTRE 0x1.bc00000000000p-4

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

/* tanh(r/2) = r (c0 + ... + c3 u^3), u = r^2, |r| <= ln2/2 (1 + 2^-20), relative error 2^-32.78 */
#define TANH_OF_HALF_DOUBLE_C0 0x1.fffffffed62a0p-2
#define TANH_OF_HALF_DOUBLE_C1 -0x1.55554ba38515bp-5
#define TANH_OF_HALF_DOUBLE_C2 0x1.11046d03b26fap-8
#define TANH_OF_HALF_DOUBLE_C3 -0x1.af8701baa3d76p-12

/* log(1 + e)/s = 2 + y (c0 + ... + c4 y^4), s = e/(2 + e), y = s^2 <= 1/9, relative error 2^-33.09 */
#define LOG1P_DOUBLE_C0 0x1.5555584c1e740p-1
#define LOG1P_DOUBLE_C1 0x1.9996af996f529p-2
#define LOG1P_DOUBLE_C2 0x1.2508b0b535b0ap-2
#define LOG1P_DOUBLE_C3 0x1.b6e6d2ca981eap-3
#define LOG1P_DOUBLE_C4 0x1.f1732a81c7b92p-3

/* log(1 + e)/s = 2 + y (c0 + ... + c10 y^10), s = e/(2 + e), y = s^2 <= 1/9, relative error 2^-64.06 */
#define LOG1P_PAIR_C0 0x1.5555555555556p-1, 0x1.7624b9224969dp-55
#define LOG1P_PAIR_C1 0x1.999999999956cp-2
#define LOG1P_PAIR_C2 0x1.24924924c1495p-2
#define LOG1P_PAIR_C3 0x1.c71c71a6324a1p-3
#define LOG1P_PAIR_C4 0x1.745d1df4e5d2cp-3
#define LOG1P_PAIR_C5 0x1.3b12d7522dbc3p-3
#define LOG1P_PAIR_C6 0x1.11232cb34acdep-3
#define LOG1P_PAIR_C7 0x1.dfe4c7d37a32ap-4
#define LOG1P_PAIR_C8 0x1.c1614a7c8c214p-4
#define LOG1P_PAIR_C9 0x1.1eb2ec40ec240p-4
#define LOG1P_PAIR_C10 0x1.5114ad882b384p-3

/* e^(t^2/2) Phi(-t) = w (c0 + ... + c12 v^12), w = 1/(t + TAIL_SHIFT), v = w - TAIL_CENTRE, 0 <= t <= 24, relative error 2^-32.88 */
#define NORMAL_TAIL_DOUBLE_C0 0x1.a853921d8acfdp-1
#define NORMAL_TAIL_DOUBLE_C1 0x1.e3990714d7f4cp+2
#define NORMAL_TAIL_DOUBLE_C2 0x1.d15e3fc807408p+5
#define NORMAL_TAIL_DOUBLE_C3 0x1.7618a15d29010p+8
#define NORMAL_TAIL_DOUBLE_C4 0x1.eac25d512b56cp+10
#define NORMAL_TAIL_DOUBLE_C5 0x1.f412458317399p+12
#define NORMAL_TAIL_DOUBLE_C6 0x1.5d8daf39d6733p+14
#define NORMAL_TAIL_DOUBLE_C7 0x1.69574b3620149p+14
#define NORMAL_TAIL_DOUBLE_C8 -0x1.e05f9f75d4355p+16
#define NORMAL_TAIL_DOUBLE_C9 -0x1.1406ca0a25543p+19
#define NORMAL_TAIL_DOUBLE_C10 0x1.67ee3ba73ea05p+15
#define NORMAL_TAIL_DOUBLE_C11 0x1.406f152cfce45p+22
#define NORMAL_TAIL_DOUBLE_C12 0x1.1d2802eb54784p+21

/* e^(t^2/2) Phi(-t) = w (c0 + ... + c22 v^22), w = 1/(t + TAIL_SHIFT), v = w - TAIL_CENTRE, 0 <= t <= 55, relative error 2^-55.49 */
#define NORMAL_TAIL_PAIR_C0 0x1.a853921e20ac5p-1, -0x1.bd3cc0ffde39bp-55
#define NORMAL_TAIL_PAIR_C1 0x1.e3990707b3565p+2, 0x1.6ad6c6bf52b61p-52
#define NORMAL_TAIL_PAIR_C2 0x1.d15e3f41fc845p+5, 0x1.b707b4b22615ap-49
#define NORMAL_TAIL_PAIR_C3 0x1.7618a49007c72p+8
#define NORMAL_TAIL_PAIR_C4 0x1.eac281f6689d4p+10
#define NORMAL_TAIL_PAIR_C5 0x1.f4115aef7edcdp+12
#define NORMAL_TAIL_PAIR_C6 0x1.5d868c7ef81dap+14
#define NORMAL_TAIL_PAIR_C7 0x1.69cfd1a370289p+14
#define NORMAL_TAIL_PAIR_C8 -0x1.dddd31f770558p+16
#define NORMAL_TAIL_PAIR_C9 -0x1.1801566cc8f2dp+19
#define NORMAL_TAIL_PAIR_C10 -0x1.f7862651a7ec8p+15
#define NORMAL_TAIL_PAIR_C11 0x1.8582c1ecfc79bp+22
#define NORMAL_TAIL_PAIR_C12 0x1.46216071ae53ap+23
#define NORMAL_TAIL_PAIR_C13 -0x1.0556049bdcb61p+26
#define NORMAL_TAIL_PAIR_C14 -0x1.7ecfb7be4ed42p+27
#define NORMAL_TAIL_PAIR_C15 0x1.942ef1ebcb1d5p+29
#define NORMAL_TAIL_PAIR_C16 0x1.737fa6d58ec11p+31
#define NORMAL_TAIL_PAIR_C17 -0x1.74fed543656bdp+33
#define NORMAL_TAIL_PAIR_C18 -0x1.5027ce7ac3289p+35
#define NORMAL_TAIL_PAIR_C19 0x1.5f6eec82cf50ap+37
#define NORMAL_TAIL_PAIR_C20 0x1.11bde03f7b6a0p+39
#define NORMAL_TAIL_PAIR_C21 -0x1.b93dfc8bf194ep+40
#define NORMAL_TAIL_PAIR_C22 -0x1.33cfd5d6a5362p+42

/* e^(t^2/2) gelu'(-t) = (t0 - t) (c0 + ... + c11 v^11), v as above, 0 <= t <= 24, relative error 2^-33.77 */
#define GELU_SLOPE_DOUBLE_C0 0x1.d673ab282b319p-2
#define GELU_SLOPE_DOUBLE_C1 0x1.01ed418237149p+0
#define GELU_SLOPE_DOUBLE_C2 0x1.c188f275a022cp+2
#define GELU_SLOPE_DOUBLE_C3 0x1.5080a0258ac90p+5
#define GELU_SLOPE_DOUBLE_C4 0x1.a6ce188290e25p+7
#define GELU_SLOPE_DOUBLE_C5 0x1.abf02a5beb04dp+9
#define GELU_SLOPE_DOUBLE_C6 0x1.3f8c54a496ecfp+11
#define GELU_SLOPE_DOUBLE_C7 0x1.06654654d9baep+12
#define GELU_SLOPE_DOUBLE_C8 -0x1.36c8c3f16226cp+12
#define GELU_SLOPE_DOUBLE_C9 -0x1.77fbcfbc66ddep+15
#define GELU_SLOPE_DOUBLE_C10 -0x1.815296414f69ap+15
#define GELU_SLOPE_DOUBLE_C11 0x1.5b9d22ff100b1p+18

/* e^(t^2/2) gelu'(-t) = (t0 - t) (c0 + ... + c21 v^21), v as above, 0 <= t <= 55, relative error 2^-56.45 */
#define GELU_SLOPE_PAIR_C0 0x1.d673ab2891491p-2, 0x1.2f18c087036bbp-56
#define GELU_SLOPE_PAIR_C1 0x1.01ed418ff7ff6p+0, -0x1.af3f00a2d9cc6p-55
#define GELU_SLOPE_PAIR_C2 0x1.c188f16417b92p+2, 0x1.26cef78188ca3p-52
#define GELU_SLOPE_PAIR_C3 0x1.508099fa2eb1ep+5
#define GELU_SLOPE_PAIR_C4 0x1.a6ce564c106cfp+7
#define GELU_SLOPE_PAIR_C5 0x1.abf1a790f6afbp+9
#define GELU_SLOPE_PAIR_C6 0x1.3f81aa6c571d3p+11
#define GELU_SLOPE_PAIR_C7 0x1.061d456e1b93dp+12
#define GELU_SLOPE_PAIR_C8 -0x1.2fd2ab490e735p+12
#define GELU_SLOPE_PAIR_C9 -0x1.7284ca435df63p+15
#define GELU_SLOPE_PAIR_C10 -0x1.073f4a54ba39fp+16
#define GELU_SLOPE_PAIR_C11 0x1.43b98646fda0fp+18
#define GELU_SLOPE_PAIR_C12 0x1.2b90ae944f81ap+20
#define GELU_SLOPE_PAIR_C13 -0x1.0eae6c1a5cbc8p+21
#define GELU_SLOPE_PAIR_C14 -0x1.f8595a5dfe4b2p+23
#define GELU_SLOPE_PAIR_C15 0x1.11e5fa2570f3bp+24
#define GELU_SLOPE_PAIR_C16 0x1.a11ae95807beap+27
#define GELU_SLOPE_PAIR_C17 -0x1.acbbd489f614fp+27
#define GELU_SLOPE_PAIR_C18 -0x1.4861a32432a93p+31
#define GELU_SLOPE_PAIR_C19 0x1.a25122e12fbf7p+31
#define GELU_SLOPE_PAIR_C20 0x1.63b8beed9a45fp+34
#define GELU_SLOPE_PAIR_C21 -0x1.0bbea6cc2d2fcp+35

/* x - tanh(x) = x^3 (c0 + ... + c6 y^6), y = x^2, |x| <= 3/5, relative error 2^-33.16 */
#define TANH_SHRINK_DOUBLE_C0 0x1.55555554bc9a7p-2
#define TANH_SHRINK_DOUBLE_C1 -0x1.11110fcbaf6ccp-3
#define TANH_SHRINK_DOUBLE_C2 0x1.ba1abe002e33dp-5
#define TANH_SHRINK_DOUBLE_C3 -0x1.66312ca2acc4ep-6
#define TANH_SHRINK_DOUBLE_C4 0x1.20834674421dbp-7
#define TANH_SHRINK_DOUBLE_C5 -0x1.b6048b8b9e6a4p-9
#define TANH_SHRINK_DOUBLE_C6 0x1.d60febbb9b550p-11

/* x - tanh(x) = x^3 (c0 + ... + c12 y^12), y = x^2, |x| <= 3/5, relative error 2^-59.58 */
#define TANH_SHRINK_PAIR_C0 0x1.5555555555555p-2, 0x1.54568a4020b3dp-56
#define TANH_SHRINK_PAIR_C1 -0x1.111111111110fp-3, -0x1.eb478d76fff1ep-58
#define TANH_SHRINK_PAIR_C2 0x1.ba1ba1ba1b5a8p-5
#define TANH_SHRINK_PAIR_C3 -0x1.664f48829eec3p-6
#define TANH_SHRINK_PAIR_C4 0x1.226e3555e70dep-7
#define TANH_SHRINK_PAIR_C5 -0x1.d6d3ce57ebfb6p-9
#define TANH_SHRINK_PAIR_C6 0x1.7da32612754c7p-10
#define TANH_SHRINK_PAIR_C7 -0x1.35542074c4452p-11
#define TANH_SHRINK_PAIR_C8 0x1.f52217316d9b4p-13
#define TANH_SHRINK_PAIR_C9 -0x1.93ace0e7d011ap-14
#define TANH_SHRINK_PAIR_C10 0x1.3a326dba5fbb0p-15
#define TANH_SHRINK_PAIR_C11 -0x1.a6fefe83f482bp-17
#define TANH_SHRINK_PAIR_C12 0x1.5ff5d3997c059p-19

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

/* t0, the root of gelu'(-t) */
#define GELU_DERIVATIVE_ROOT 0x1.80ead197f00b4p-1, -0x1.13e74c58cada8p-56, -0x1.65d4b5b9cdd03p-111

/* a = 2 sqrt(2/pi); z = x (a + b x^2) */
#define GELU_TANH_SLOPE 0x1.9884533d43651p+0, -0x1.cbc0d30ebfd15p-54

/* b = 0.044715 a */
#define GELU_TANH_CUBIC 0x1.2444f2a4d8b4bp-4, -0x1.3023b0e5fbc6ep-58

/* x0, the root of 1 + e^z + x z', x z' = a x + 3 b x^3 */
#define GELU_TANH_DERIVATIVE_ROOT -0x1.81429f9e97e4dp-1, 0x1.3ce60c9e3b279p-55, -0x1.8c8cffd1d8b8bp-110

/* x0 in two words */
#define GELU_TANH_ROOT -0x1.81429f9e97e4dp-1, 0x1.3ce60c9e3b279p-55

/* x0^2 */
#define GELU_TANH_ROOT_SQUARE 0x1.21e4bab8db157p-1, -0x1.77c27a25e6b30p-60

/* e^z0 */
#define GELU_TANH_ROOT_EXP 0x1.2af64e9c485eep-2, -0x1.51801b9b851b9p-57

#endif
