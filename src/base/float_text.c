#include "float_text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- to text ----
 *
 * Shortest digits: Raffaello Giulietti, "The Schubfach way to render doubles" (2020), narrowed to float32.  A
 * float c * 2^q and the ends of the interval that rounds to it are scaled by a power of ten so that the
 * digits wanted are the integer part, and one of at most four integers is the answer. */

/* The first 64 bits of 10^e, rounded up: ceil(10^e / 2^(floor(log2(10^e)) - 63)). */
enum { POWERS_FIRST = -31, POWERS_LAST = 45 };
static const uint64_t powers_of_ten[POWERS_LAST - POWERS_FIRST + 1] = {
    0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f, 0xfd87b5f28300ca0e, 0x9e74d1b791e07e49,
    0xc612062576589ddb, 0xf79687aed3eec552, 0x9abe14cd44753b53, 0xc16d9a0095928a28, 0xf1c90080baf72cb2,
    0x971da05074da7bef, 0xbce5086492111aeb, 0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a,
    0xe69594bec44de15c, 0x901d7cf73ab0acda, 0xb424dc35095cd810, 0xe12e13424bb40e14, 0x8cbccc096f5088cc,
    0xafebff0bcb24aaff, 0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd, 0xd6bf94d5e57a42bd,
    0x8637bd05af6c69b6, 0xa7c5ac471b478424, 0xd1b71758e219652c, 0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b,
    0xcccccccccccccccd, 0x8000000000000000, 0xa000000000000000, 0xc800000000000000, 0xfa00000000000000,
    0x9c40000000000000, 0xc350000000000000, 0xf424000000000000, 0x9896800000000000, 0xbebc200000000000,
    0xee6b280000000000, 0x9502f90000000000, 0xba43b74000000000, 0xe8d4a51000000000, 0x9184e72a00000000,
    0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000, 0xb1a2bc2ec5000000, 0xde0b6b3a76400000,
    0x8ac7230489e80000, 0xad78ebc5ac620000, 0xd8d726b7177a8000, 0x878678326eac9000, 0xa968163f0a57b400,
    0xd3c21bcecceda100, 0x84595161401484a0, 0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
    0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297, 0x9dc5ada82b70b59e, 0xc5371912364ce306,
    0xf684df56c3e01bc7, 0x9a130b963a6c115d, 0xc097ce7bc90715b4, 0xf0bdc21abb48db21, 0x96769950b50d88f5,
    0xbc143fa4e250eb32, 0xeb194f8e1ae525fe, 0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a,
    0x8f7e32ce7bea5c70, 0xb35dbf821ae4f38c,
};

/* floor(log2(10^e)); holds for |e| < 1233. */
static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(log10(2^q)), or floor(log10(2^q * 3/4)); holds for |q| < 1500. */
static int floor_log10_pow2(int q, bool three_quarters)
{
    return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* Upper 32 bits of the 96-bit product, with the lowest bit set where more than rounding noise was cut off
 * ("round to odd"): comparisons with even numbers stay exact. */
static uint32_t scale_to_odd(uint64_t power, uint32_t c)
{
    uint64_t product = (power >> 32) * c + (((power & UINT32_MAX) * c) >> 32);
    return (uint32_t)(product >> 32) | ((uint32_t)product > 1);
}

/* A decimal number: digits * 10^exponent. */
typedef struct decimal {
    uint32_t digits;
    int exponent;
} decimal;

/* Of the multiples step * 4 * whole and the next one the one inside [lower, upper] (all in quarters); false
 * when none or both are. */
static bool pick_inside(uint32_t lower, uint32_t upper, uint32_t whole, uint32_t step, uint32_t *picked)
{
    bool below = lower <= 4 * step * whole, above = 4 * step * (whole + 1) <= upper;
    *picked = whole + above;
    return below != above;
}

/* The shortest decimal of c * 2^q; the interval is narrower below a power of two. */
static decimal shortest(uint32_t c, int q, bool power_of_two)
{
    int k = floor_log10_pow2(q, power_of_two);
    int shift = q + floor_log2_pow10(-k) + 1;
    uint64_t power = powers_of_ten[-k - POWERS_FIRST];
    uint32_t open = c & 1; /* an odd float does not own the ends of its interval */
    uint32_t middle = scale_to_odd(power, (4 * c) << shift);
    uint32_t lower = scale_to_odd(power, (4 * c - 2 + power_of_two) << shift) + open;
    uint32_t upper = scale_to_odd(power, (4 * c + 2) << shift) - open;
    uint32_t whole = middle / 4, half = 4 * whole + 2, picked;
    if (whole >= 10 && pick_inside(lower, upper, whole / 10, 10, &picked))
        return (decimal){picked, k + 1};
    if (pick_inside(lower, upper, whole, 1, &picked))
        return (decimal){picked, k};
    return (decimal){whole + (middle > half || (middle == half && (whole & 1))), k};
}

static decimal decimal_of(uint32_t fraction, int exponent)
{
    uint32_t c = exponent ? fraction | 1u << 23 : fraction;
    int q = (exponent ? exponent : 1) - 150;
    decimal d;
    if (c == 0)
        return (decimal){0, 0};
    if (q <= 0 && q > -24 && (c & ((1u << -q) - 1)) == 0)
        d = (decimal){c >> -q, 0}; /* an integer below 2^24 */
    else
        d = shortest(c, q, fraction == 0 && exponent > 1);
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

static size_t put_digits(uint32_t digits, char *text)
{
    char reversed[10];
    size_t n = 0;
    do
        reversed[n++] = (char)('0' + digits % 10);
    while (digits /= 10);
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    return n;
}

/* d.ddde-05 */
static char *put_scientific(char *text, const char *digits, size_t n, int exponent)
{
    *text++ = digits[0];
    if (n > 1) {
        *text++ = '.';
        memcpy(text, digits + 1, n - 1);
        text += n - 1;
    }
    *text++ = 'e';
    *text++ = exponent < 0 ? '-' : '+';
    exponent = abs(exponent);
    *text++ = (char)('0' + exponent / 10);
    *text++ = (char)('0' + exponent % 10);
    return text;
}

/* Digits with the point behind the first `whole` of them; zeros fill up either side. */
static char *put_positional(char *text, const char *digits, int n, int whole)
{
    int before = whole < 0 ? 0 : whole < n ? whole : n;
    if (whole <= 0)
        *text++ = '0';
    memcpy(text, digits, (size_t)before);
    text += before;
    for (int i = n; i < whole; i++)
        *text++ = '0';
    *text++ = '.';
    for (int i = whole; i < 0; i++)
        *text++ = '0';
    if (before == n)
        *text++ = '0';
    memcpy(text, digits + before, (size_t)(n - before));
    return text + (n - before);
}

size_t rt__float_text(float value, char text[RT_FLOAT_TEXT])
{
    uint32_t bits;
    char digits[10] = "", *end = text;
    double magnitude = fabs((double)value);
    decimal d;
    size_t n;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value)) {
        memcpy(text, "nan", 4);
        return 3;
    }
    if (bits >> 31)
        *end++ = '-';
    if (isinf(value)) {
        memcpy(end, "inf", 4);
        return (size_t)(end - text) + 3;
    }
    d = decimal_of(bits & 0x7fffff, (int)(bits >> 23 & 0xff));
    n = put_digits(d.digits, digits);
    if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16))
        end = put_scientific(end, digits, n, d.exponent + (int)n - 1);
    else
        end = put_positional(end, digits, (int)n, d.exponent + (int)n);
    *end = 0;
    return (size_t)(end - text);
}

/* ---- from text ---- */

/* A number as it stands: mantissa * 10^exponent, sign apart. */
typedef struct scanned {
    uint64_t mantissa;
    int64_t exponent;
    bool negative, exact; /* exact: every digit is in the mantissa */
} scanned;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes digits into the mantissa as long as they fit; returns how many there were. */
static size_t scan_digits(const char **at, scanned *s, bool fraction)
{
    const uint64_t most = (UINT64_MAX - 9) / 10;
    const char *p = *at;
    size_t n;
    for (; is_digit(*p); p++) {
        if (s->mantissa <= most) {
            s->mantissa = s->mantissa * 10 + (uint64_t)(*p - '0');
            s->exponent -= fraction;
        } else {
            s->exact = false;
            s->exponent += !fraction;
        }
    }
    n = (size_t)(p - *at);
    *at = p;
    return n;
}

static const char *scan_exponent(const char *p, scanned *s)
{
    bool negative = false;
    int64_t exponent = 0;
    if (*p == '+' || *p == '-')
        negative = *p++ == '-';
    if (!is_digit(*p))
        return NULL;
    for (; is_digit(*p); p++)
        if (exponent < 1000000)
            exponent = exponent * 10 + (*p - '0');
    s->exponent += negative ? -exponent : exponent;
    return p;
}

static const char *scan(const char *p, scanned *s)
{
    size_t n;
    *s = (scanned){.exact = true};
    if (*p == '+' || *p == '-')
        s->negative = *p++ == '-';
    n = scan_digits(&p, s, false);
    if (*p == '.') {
        p++;
        n += scan_digits(&p, s, true);
    }
    if (n == 0)
        return NULL;
    return *p == 'e' || *p == 'E' ? scan_exponent(p + 1, s) : p;
}

/* One correctly rounded double operation (Clinger, "How to read floating point numbers accurately", 1990),
 * then rounding to float.  Rounding twice is wrong only where the double lies half-way between two floats,
 * and those may be elsewhere for subnormal floats: false for both, and for numbers out of reach. */
static bool fast_value(const scanned *s, float *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint64_t below_float = (UINT64_C(1) << 29) - 1, half_way = UINT64_C(1) << 28;
    double d;
    uint64_t bits;
    if (!s->exact || s->mantissa > UINT64_C(1) << 53 || s->exponent < -22 || s->exponent > 22)
        return false;
    d = (double)s->mantissa;
    d = s->exponent < 0 ? d / powers[-s->exponent] : d * powers[s->exponent];
    memcpy(&bits, &d, sizeof bits);
    if (d != 0 && (d < (double)FLT_MIN || d > (double)FLT_MAX || (bits & below_float) == half_way))
        return false;
    *value = (float)(s->negative ? -d : d);
    return true;
}

/* The C library's exact conversion; it needs the C locale for the point, whatever the program has set. */
static bool slow_value(const char *text, const char *end, float *value)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *stop;
    if (c == (locale_t)0)
        return false;
    *value = strtof_l(text, &stop, c);
    freelocale(c);
    return stop == end && isfinite(*value);
}

const char *rt__float_parse(const char *text, float *value)
{
    scanned s;
    const char *end = scan(text, &s);
    if (!end || (!fast_value(&s, value) && !slow_value(text, end, value)))
        return NULL;
    return end;
}
