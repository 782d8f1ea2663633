#include "hash.h"

#include <isa-l/crc.h>
#include <limits.h>
#include <openssl/evp.h>

static rt_code digest_of(const EVP_MD *method, const void *bytes, size_t size, uint8_t *digest, rt_error *err)
{
    if (EVP_Digest(bytes, size, digest, NULL, method, NULL) != 1)
        return rt_fail(err, RT_EUNSUPPORTED, "libcrypto refuses to compute a digest");
    return RT_OK;
}

rt_code rt__sha1(const void *bytes, size_t size, uint8_t digest[RT_SHA1_BYTES], rt_error *err)
{
    return digest_of(EVP_sha1(), bytes, size, digest, err);
}

rt_code rt__sha256(const void *bytes, size_t size, uint8_t digest[RT_SHA256_BYTES], rt_error *err)
{
    return digest_of(EVP_sha256(), bytes, size, digest, err);
}

void rt__hex(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = 0;
}

uint32_t rt__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    unsigned char *at = (unsigned char *)(uintptr_t)bytes; /* isa-l's prototype lacks the const */
    crc = ~crc;
    while (size > 0) {
        int count = size > INT_MAX ? INT_MAX : (int)size;
        crc = crc32_iscsi(at, count, crc);
        at += count;
        size -= (size_t)count;
    }
    return ~crc;
}

uint32_t rt__crc32(uint32_t crc, const void *bytes, size_t size)
{
    return crc32_gzip_refl(crc, bytes, size);
}

uint32_t rt__crc32c_mask(uint32_t crc)
{
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}
