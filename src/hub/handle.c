#include "handle.h"

#include "base/hash.h"

#include <string.h>
#include <strings.h>

/* Hosts whose archives also lie in a bucket, at the handle's path. */
static const struct {
    const char *host;
    const char *bucket;
} buckets[] = {
    {"tfhub.dev", "https://storage.googleapis.com/tfhub-modules"},
    {"hub.tensorflow.google.cn", "https://gcs.tensorflow.google.cn/tfhub-modules"},
};

static const char *behind_scheme(const char *text)
{
    if (strncasecmp(text, "http://", 7) == 0)
        return text + 7;
    if (strncasecmp(text, "https://", 8) == 0)
        return text + 8;
    return NULL;
}

/* Of gs://bucket/archive: what is behind the scheme; a folder there cannot be had over HTTP in one piece. */
static const char *behind_storage(const char *text)
{
    static const char *const endings[] = {".tar.gz", ".tgz", ".tar", ".zip"};
    size_t length = strlen(text);
    if (strncasecmp(text, "gs://", 5) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length > strlen(endings[i]) && strcasecmp(text + length - strlen(endings[i]), endings[i]) == 0)
            return text + 5;
    return NULL;
}

bool rt__handle_is_url(const char *text)
{
    return behind_scheme(text) || behind_storage(text);
}

void rt__handle_web_address(const char *url, rt_buffer *address)
{
    const char *object = behind_storage(url);
    rt__buffer_reset(address);
    rt__buffer_text(address, object ? "https://storage.googleapis.com/" : url);
    rt__buffer_text(address, object ? object : "");
}

static void add_query(const char *handle, rt_buffer *address)
{
    size_t length = strcspn(handle, "#");
    bool has_query = memchr(handle, '?', length) != NULL;
    rt__buffer_add(address, handle, length);
    rt__buffer_text(address, has_query ? "&" : "?");
    rt__buffer_text(address, "tf-hub-format=compressed");
}

bool rt__handle_address(const char *handle, unsigned i, rt_buffer *address)
{
    const char *host = behind_scheme(handle), *path;
    size_t host_length;
    rt__buffer_reset(address);
    if (!host && i == 0 && behind_storage(handle)) {
        rt__handle_web_address(handle, address);
        return true;
    }
    if (!host)
        return false;
    if (i == 0) {
        add_query(handle, address);
        return true;
    }
    path = host + strcspn(host, "/?#");
    host_length = (size_t)(path - host);
    for (size_t k = 0; k < sizeof buckets / sizeof *buckets; k++) {
        size_t length = strcspn(path, "?#");
        if (i != 1 || strlen(buckets[k].host) != host_length ||
            strncasecmp(host, buckets[k].host, host_length) != 0 || length < 2)
            continue;
        rt__buffer_text(address, buckets[k].bucket);
        rt__buffer_add(address, path, path[length - 1] == '/' ? length - 1 : length);
        rt__buffer_text(address, ".tar.gz");
        return true;
    }
    return false;
}

rt_code rt__handle_folder(const char *handle, char name[41], rt_error *err)
{
    uint8_t digest[RT_SHA1_BYTES];
    rt_code code = rt__sha1(handle, strlen(handle), digest, err);
    if (code == RT_OK)
        rt__hex(digest, sizeof digest, name);
    return code;
}
