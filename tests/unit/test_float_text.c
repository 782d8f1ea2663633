#include "base/float_text.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

typedef struct literal {
    uint32_t bits;
    const char *text; /* str() of the numpy.float32, numpy 1.26.4 */
} literal;

static const literal literals[] = {{0x00000000, "0.0"},
                                   {0x80000000, "-0.0"},
                                   {0x3dcccccd, "0.1"},
                                   {0x322bcc77, "1e-08"},
                                   {0x47f12065, "123456.79"},
                                   {0x5a0e1bca, "1e+16"},
                                   {0x58635fa9, "1000000000000000.0"},
                                   {0x38d1b717, "1e-04"},
                                   {0x38d1b725, "0.0001000001"},
                                   {0x3a83126f, "0.001"},
                                   {0x3f800000, "1.0"},
                                   {0xbf800000, "-1.0"},
                                   {0x41200000, "10.0"},
                                   {0x42c80000, "100.0"},
                                   {0x3f000000, "0.5"},
                                   {0x3e800000, "0.25"},
                                   {0x3eaaaaab, "0.33333334"},
                                   {0x3f2aaaab, "0.6666667"},
                                   {0x4b7fffff, "16777215.0"},
                                   {0x4b800000, "16777216.0"},
                                   {0x4c000000, "33554432.0"},
                                   {0x4b000000, "8388608.0"},
                                   {0x64078678, "1e+22"},
                                   {0x7f7fffff, "3.4028235e+38"},
                                   {0x00000001, "1e-45"},
                                   {0x00800000, "1.1754944e-38"},
                                   {0x007fffff, "1.1754942e-38"},
                                   {0x38d1b716, "9.999999e-05"},
                                   {0x38800000, "6.1035156e-05"},
                                   {0x33800000, "5.9604645e-08"},
                                   {0x2b800000, "9.094947e-13"},
                                   {0x5d800000, "1.1529215e+18"},
                                   {0x71800000, "1.2676506e+30"},
                                   {0x7f000000, "1.7014118e+38"},
                                   {0x35800000, "9.536743e-07"},
                                   {0x00000003, "4e-45"},
                                   {0x501502f9, "10000000000.0"},
                                   {0x51ba43b7, "100000000000.0"},
                                   {0x51e5f4c9, "123456790000.0"},
                                   {0x4d8ef3c2, "299792450.0"},
                                   {0x66ff0c2e, "6.0221406e+23"},
                                   {0x085c305f, "6.62607e-34"},
                                   {0x40490fdb, "3.1415927"},
                                   {0x402df854, "2.7182817"},
                                   {0x30406a1f, "7e-10"},
                                   {0x411fffff, "9.999999"},
                                   {0x47c34fff, "99999.99"},
                                   {0x3f7fffff, "0.99999994"},
                                   {0x3f800001, "1.0000001"},
                                   {0x4c000004, "33554450.0"},
                                   {0x0c000001, "9.860762e-32"},
                                   {0x58635fa8, "999999900000000.0"},
                                   {0x4fbb3e22, "6282822700.0"},
                                   {0x20b26c1c, "3.0225914e-19"},
                                   {0x5ef2e04c, "8.750536e+18"},
                                   {0x2de47dde, "2.5976495e-11"},
                                   {0x65c8e71b, "1.18592055e+23"},
                                   {0x58608fef, "987635200000000.0"},
                                   {0x78a235f5, "2.6320202e+34"},
                                   {0x6bb6a198, "4.415752e+26"},
                                   {0x5eb4ff14, "6.5210825e+18"},
                                   {0x5375c64f, "1055594050000.0"},
                                   {0x760ebed0, "7.23805e+32"},
                                   {0x43d85892, "432.69196"},
                                   {0x03b67177, "1.0723049e-36"},
                                   {0x6b9086ff, "3.4944564e+26"},
                                   {0x3b9985ed, "0.0046851547"},
                                   {0x63529c3b, "3.8850738e+21"},
                                   {0x78bfe9ba, "3.1139664e+34"},
                                   {0x1fe0f51b, "9.527318e-20"},
                                   {0x5311992a, "625339900000.0"},
                                   {0x06a3209c, "6.13617e-35"},
                                   {0x7350b51d, "1.653551e+31"},
                                   {0x1413b446, "7.457156e-27"},
                                   {0x0e7d887b, "3.125037e-30"},
                                   {0x2f96ecbf, "2.745306e-10"},
                                   {0x3c0a7451, "0.008450584"},
                                   {0x6f293880, "5.237127e+28"},
                                   {0x1f8fb2d4, "6.08587e-20"},
                                   {0x30bcace7, "1.3727942e-09"},
                                   {0x4599f4b4, "4926.588"},
                                   {0x0d0d7f43, "4.3602165e-31"}};

static void text_is_numpys(void **state)
{
    char text[RT_FLOAT_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        assert_int_equal(rt__float_text(from_bits(literals[i].bits), text), strlen(literals[i].text));
        assert_string_equal(text, literals[i].text);
    }
    rt__float_text((float)NAN, text);
    assert_string_equal(text, "nan");
    rt__float_text((float)-INFINITY, text);
    assert_string_equal(text, "-inf");
}

/* The digits of text, without zeros at either end, and nothing else. */
static size_t count_digits(const char *text)
{
    size_t n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0' && n)
            zeros++;
        else if (*text >= '1' && *text <= '9') {
            n += zeros + 1;
            zeros = 0;
        }
    }
    return n;
}

static void text_is_the_shortest_that_comes_back(void **state)
{
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 1, 0);
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)rt__rng_next(&rng);
        float value = from_bits(bits), back;
        char text[RT_FLOAT_TEXT], shorter[64];
        size_t length;
        if (!isfinite(value))
            continue;
        length = rt__float_text(value, text);
        assert_true(length < RT_FLOAT_TEXT);
        assert_int_equal(to_bits(strtof(text, NULL)), bits);
        assert_ptr_equal(rt__float_parse(text, &back), text + length);
        assert_int_equal(to_bits(back), bits);
        if (count_digits(text) < 2)
            continue;
        snprintf(shorter, sizeof shorter, "%.*e", (int)count_digits(text) - 2, (double)value);
        if (strtof(shorter, NULL) == value)
            fail_msg("%s is longer than %s", text, shorter);
    }
}

static void parse_rounds_as_the_c_library_does(void **state)
{
    /* half-way between two floats, a little off it, subnormal, many digits, far exponents */
    static const char *const texts[] = {"16777217",
                                        "16777217.0000000001",
                                        "16777216.9999999999",
                                        "16777219",
                                        "1.00000005960464477539062500000",
                                        "1.00000005960464477539062500001",
                                        "0.99999997019767761230468749999",
                                        "7.0064923216240853546186479164e-46",
                                        "7.0064923216240853546186479165e-46",
                                        "1.1754943508222875e-38",
                                        "1.17549432e-38",
                                        "2e-46",
                                        "3.4028235677973366e38",
                                        "340282350000000000000000000000000000000",
                                        "123456789012345678901234567890e-29",
                                        "0.000000000000000000000000000000000000000000000000000000000001e60",
                                        "1e-400",
                                        "0e999999999999",
                                        "-0",
                                        "+5",
                                        "5.",
                                        ".5",
                                        "1E5",
                                        "1e+05",
                                        "00012.50",
                                        "9007199254740993",
                                        "9007199254740992e-22",
                                        "1e22",
                                        "1e23"};
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 2, 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        float value;
        assert_ptr_equal(rt__float_parse(texts[i], &value), texts[i] + strlen(texts[i]));
        assert_int_equal(to_bits(value), to_bits(strtof(texts[i], NULL)));
    }
    for (int i = 0; i < 100000; i++) {
        char text[64];
        float value, expected;
        int length = snprintf(text, sizeof text, "%.*e", (int)rt__rng_below(&rng, 25),
                              (rt__rng_unit(&rng) - 0.5) * pow(10, (double)rt__rng_below(&rng, 76) - 38));
        expected = strtof(text, NULL);
        assert_ptr_equal(rt__float_parse(text, &value), isfinite(expected) ? text + length : NULL);
        if (isfinite(expected))
            assert_int_equal(to_bits(value), to_bits(expected));
    }
}

static void parse_stops_behind_the_number(void **state)
{
    static const char *const bad[] = {
        "",    "-",    "+",  ".",   "e5",  "1e",   "1e+",          "nan",
        "inf", "-inf", " 1", "abc", "--1", "1e39", "3.4028236e38", "340282360000000000000000000000000000000",
        ",1"};
    const char *text = "1.5,2";
    float value;
    (void)state;
    assert_ptr_equal(rt__float_parse(text, &value), text + 3);
    assert_true(value == 1.5f);
    text = "0x10";
    assert_ptr_equal(rt__float_parse(text, &value), text + 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(rt__float_parse(bad[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_numpys),
        cmocka_unit_test(text_is_the_shortest_that_comes_back),
        cmocka_unit_test(parse_rounds_as_the_c_library_does),
        cmocka_unit_test(parse_stops_behind_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
