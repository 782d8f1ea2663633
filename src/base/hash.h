/* Digests (OpenSSL's libcrypto) and the checksums of TensorFlow's files and of zip. */
#ifndef RT_BASE_HASH_H
#define RT_BASE_HASH_H

#include "retrain/error.h"

#include <stddef.h>
#include <stdint.h>

enum { RT_SHA1_BYTES = 20, RT_SHA256_BYTES = 32 };

rt_code rt__sha1(const void *bytes, size_t size, uint8_t digest[RT_SHA1_BYTES], rt_error *err);
rt_code rt__sha256(const void *bytes, size_t size, uint8_t digest[RT_SHA256_BYTES], rt_error *err);
/* Lower-case hexadecimal with a final 0: text holds 2 * size + 1 bytes. */
void rt__hex(const uint8_t *bytes, size_t size, char *text);

/* CRC-32C (Castagnoli); crc 0 to start, an earlier result to go on. */
uint32_t rt__crc32c(uint32_t crc, const void *bytes, size_t size);
/* CRC-32 as of zip and gzip; crc as above. */
uint32_t rt__crc32(uint32_t crc, const void *bytes, size_t size);
/* As stored in tables and records: rotated right by 15 bits, plus 0xa282ead8 (leveldb's crc32c.h). */
uint32_t rt__crc32c_mask(uint32_t crc);

#endif
