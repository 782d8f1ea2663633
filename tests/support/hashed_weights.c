#include "support/hashed_weights.h"

#include "base/file.h"
#include "base/hash.h"
#include "model/bundle.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATA_BYTES = 87211136 };
static const char data_sha256[] = "d91705e58f518f96a565b711e06ffbdf217bd48dd1eeb0552d023e3025b45a45";
static const char module_name[] = "reference/modules/inception_v3_feature_vector";

static void check(rt_code code, const rt_error *err)
{
    char text[1200];
    if (code == RT_OK)
        return;
    fprintf(stderr, "inception_v3_module: %s\n", rt_error_text(err, text, sizeof text));
    exit(1);
}

/* Value number i of a variable, in [-1, 1): FNV-1a of its name, then splitmix64's upper 24 bits. */
static uint64_t seed_of(const char *name)
{
    uint64_t seed = 0xcbf29ce484222325u;
    for (; *name; name++)
        seed = (seed ^ (uint8_t)*name) * 0x100000001b3u;
    return seed;
}

static double uniform(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 40) * 0x1p-23 - 1;
}

/* value = shift + scale * uniform, by the last part of the variable's name. */
static void range_of(const rt_variable *v, double *shift, double *scale)
{
    const char *leaf = rt__path_name(v->name);
    double fan_in = 1;
    *shift = 0;
    *scale = 0.1; /* beta, moving_mean */
    if (strcmp(leaf, "moving_variance") == 0) {
        *shift = 1;
        *scale = 0.5;
    } else if (strcmp(leaf, "weights") == 0) {
        for (int d = 0; d + 1 < v->shape.rank; d++)
            fan_in *= (double)v->shape.dim[d];
        *scale = sqrt(6.0 / fan_in);
    }
}

static void fill(const rt_variable *v, char *data)
{
    uint64_t seed = seed_of(v->name);
    double shift, scale;
    range_of(v, &shift, &scale);
    for (uint64_t i = 0; i < v->size / sizeof(float); i++) {
        float value = (float)(shift + scale * uniform(seed, i));
        memcpy(data + v->offset + i * sizeof value, &value, sizeof value);
    }
}

static void copy_file(const char *folder, const char *name)
{
    char from[1024], to[1024], path[1024];
    rt_buffer content = {0};
    rt_error err;
    snprintf(from, sizeof from, "%s/%s", module_name, name);
    shared_path(path, sizeof path, from);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    check(rt__file_read(&content, path, 0, NULL, &err), &err);
    check(rt__file_write(to, content.bytes, content.size, false, &err), &err);
    rt__buffer_clear(&content);
}

/* The index says which values stand where; it can be opened once a data file of the right size is there. */
static void make_data(const char *prefix, const char *path)
{
    char *data = calloc(1, DATA_BYTES);
    FILE *empty = fopen(path, "wb");
    rt_bundle *bundle;
    rt_error err;
    if (!data || !empty || ftruncate(fileno(empty), DATA_BYTES) != 0 || fclose(empty) != 0) {
        fprintf(stderr, "inception_v3_module: cannot make %s\n", path);
        exit(1);
    }
    check(rt__bundle_open(prefix, &bundle, &err), &err);
    for (size_t i = 0; i < rt__bundle_count(bundle); i++)
        fill(rt__bundle_variable(bundle, i), data);
    rt__bundle_close(bundle);
    check(rt__file_write(path, data, DATA_BYTES, false, &err), &err);
    free(data);
}

static bool is_right(const char *path)
{
    rt_map *map;
    uint8_t digest[RT_SHA256_BYTES];
    char hex[2 * RT_SHA256_BYTES + 1] = "";
    if (rt__map_open(&map, path, NULL) != RT_OK)
        return false;
    if (map->size == DATA_BYTES && rt__sha256(map->bytes, map->size, digest, NULL) == RT_OK)
        rt__hex(digest, sizeof digest, hex);
    rt__map_close(map);
    return strcmp(hex, data_sha256) == 0;
}

const char *inception_v3_module(char *buf, size_t n)
{
    const char *build = getenv("RETRAIN_BUILD");
    char variables[1024], prefix[1100], data[1200];
    rt_error err;
    snprintf(buf, n, "%s/tests/inception_v3_feature_vector", build ? build : "/tmp");
    snprintf(variables, sizeof variables, "%s/variables", buf);
    snprintf(prefix, sizeof prefix, "%s/variables", variables);
    snprintf(data, sizeof data, "%s.data-00000-of-00001", prefix);
    check(rt__folder_make(variables, &err), &err);
    copy_file(buf, "saved_model.pb");
    copy_file(buf, "tfhub_module.pb");
    copy_file(buf, "variables/variables.index");
    if (!is_right(data))
        make_data(prefix, data);
    if (!is_right(data)) {
        fprintf(stderr, "inception_v3_module: %s is not what the reference was made with\n", data);
        exit(1);
    }
    return buf;
}
