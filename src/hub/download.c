#include "download.h"

#include "base/file.h"
#include "base/pause.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libcurl, loaded when something is downloaded: it brings thirty libraries with it, on which the dynamic
 * linker spent a quarter of the time of a short run. */
typedef struct library {
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*perform)(CURL *curl);
    CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
    const char *(*describe)(CURLcode code);
    void (*cleanup)(CURL *curl);
} library;

typedef struct transfer {
    const library *lib;
    CURL *curl;
    FILE *file;
    rt_download_options options;
    uint64_t written;
    int write_errno;
    bool too_large;
    char text[CURL_ERROR_SIZE];
} transfer;

static bool find(void *handle, const char *name, void *function)
{
    void *found = dlsym(handle, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* It stays loaded: some of what it brings cannot be unloaded. */
static rt_code load(library *lib, rt_error *err)
{
    static const char name[] = "libcurl.so.4"; /* its binary interface since 2006 */
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return rt_fail(err, RT_EUNSUPPORTED, "%s; install it (Debian: libcurl4), or download by hand",
                       dlerror());
    if (!find(handle, "curl_easy_init", &lib->init) || !find(handle, "curl_easy_setopt", &lib->setopt) ||
        !find(handle, "curl_easy_perform", &lib->perform) ||
        !find(handle, "curl_easy_getinfo", &lib->getinfo) ||
        !find(handle, "curl_easy_strerror", &lib->describe) ||
        !find(handle, "curl_easy_cleanup", &lib->cleanup))
        return rt_fail(err, RT_EUNSUPPORTED, "%s: %s", name, dlerror());
    return RT_OK;
}

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static rt_download_options with_defaults(const rt_download_options *options)
{
    rt_download_options o = options ? *options : (rt_download_options){0};
    o.connect_seconds = or_default(o.connect_seconds, 30);
    o.stall_seconds = or_default(o.stall_seconds, 60);
    o.attempts = or_default(o.attempts, 3);
    o.retry_ms = or_default(o.retry_ms, 1000);
    if (!o.most_bytes)
        o.most_bytes = (uint64_t)64 << 30;
    return o;
}

static size_t write_body(char *bytes, size_t one, size_t count, void *user)
{
    transfer *t = user;
    (void)one; /* always 1 */
    if (t->written + count > t->options.most_bytes) {
        t->too_large = true;
        return 0;
    }
    if (fwrite(bytes, 1, count, t->file) != count) {
        t->write_errno = errno;
        return 0;
    }
    t->written += count;
    return count;
}

static int tell_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    const transfer *t = user;
    (void)up_total;
    (void)up_now;
    rt_progress_update(t->options.progress, "downloading", (uint64_t)now, (uint64_t)total);
    return 0;
}

static void set_certificates(const transfer *t)
{
    static const char *const bundles[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"};
    const char *off = getenv("TFHUB_DISABLE_CERT_VALIDATION");
    const char *folder = getenv("SSL_CERT_DIR");
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
        const char *file = getenv(bundles[i]);
        if (file && *file) {
            t->lib->setopt(t->curl, CURLOPT_CAINFO, file);
            break;
        }
    }
    if (folder && *folder)
        t->lib->setopt(t->curl, CURLOPT_CAPATH, folder);
    if (off && strcmp(off, "true") == 0) {
        rt_log_line(t->options.log, RT_WARN,
                    "TFHUB_DISABLE_CERT_VALIDATION=true: the server's certificate is not checked");
        t->lib->setopt(t->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        t->lib->setopt(t->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_options(transfer *t, const char *url)
{
    CURLcode (*const set)(CURL *, CURLoption, ...) = t->lib->setopt;
    CURL *c = t->curl;
    set(c, CURLOPT_URL, url);
    set(c, CURLOPT_PROTOCOLS_STR, "http,https");
    set(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(c, CURLOPT_FOLLOWLOCATION, 1L);
    set(c, CURLOPT_MAXREDIRS, 10L);
    set(c, CURLOPT_FAILONERROR, 1L);
    set(c, CURLOPT_NOSIGNAL, 1L);
    set(c, CURLOPT_USERAGENT, "retrain");
    set(c, CURLOPT_CONNECTTIMEOUT, (long)t->options.connect_seconds);
    set(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(c, CURLOPT_LOW_SPEED_TIME, (long)t->options.stall_seconds);
    set(c, CURLOPT_ERRORBUFFER, t->text);
    set(c, CURLOPT_WRITEFUNCTION, write_body);
    set(c, CURLOPT_WRITEDATA, t);
    set(c, CURLOPT_XFERINFOFUNCTION, tell_progress);
    set(c, CURLOPT_XFERINFODATA, t);
    set(c, CURLOPT_NOPROGRESS, 0L);
    set_certificates(t);
}

/* What curl says, in our terms.  *again: whether another attempt may help. */
static rt_code explain(const transfer *t, CURLcode result, bool *again, rt_error *err)
{
    const char *text = t->text[0] ? t->text : t->lib->describe(result);
    long status = 0;
    t->lib->getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    *again = false;
    if (t->too_large)
        return rt_fail(err, RT_ELIMIT, "more than %llu bytes", (unsigned long long)t->options.most_bytes);
    if (t->write_errno)
        return rt_fail_errno(err, t->write_errno, "cannot write the download");
    if (result == CURLE_OUT_OF_MEMORY)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (result == CURLE_HTTP_RETURNED_ERROR) {
        *again = status >= 500 || status == 429;
        return rt_fail(err, status == 404 || status == 410 ? RT_ENOTFOUND : RT_EIO, "the server answers %ld",
                       status);
    }
    *again = result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
             result == CURLE_GOT_NOTHING || result == CURLE_OPERATION_TIMEDOUT;
    if (result == CURLE_OPERATION_TIMEDOUT)
        return rt_fail(err, RT_EIO, "the server sent nothing for too long: %s", text);
    return rt_fail(err, result == CURLE_PARTIAL_FILE ? RT_EFORMAT : RT_EIO, "%s", text);
}

static rt_code attempt(const library *lib, const char *url, const char *file,
                       const rt_download_options *options, bool *again, rt_error *err)
{
    transfer t = {.lib = lib, .options = *options};
    CURLcode result;
    rt_code code = RT_OK;
    *again = false;
    if (!(t.file = fopen(file, "wbe"))) {
        code = rt_fail_errno(err, errno, "cannot create");
        rt_doing(err, file, "cannot download");
        return code;
    }
    if (!(t.curl = lib->init())) {
        fclose(t.file);
        unlink(file);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    set_options(&t, url);
    result = lib->perform(t.curl);
    if (result == CURLE_OK && fflush(t.file) != 0)
        t.write_errno = errno;
    if (result != CURLE_OK || t.write_errno)
        code = explain(&t, result, again, err);
    if (fclose(t.file) != 0 && code == RT_OK)
        code = rt_fail_errno(err, errno, "cannot write the download");
    lib->cleanup(t.curl);
    if (code != RT_OK)
        unlink(file);
    return code;
}

rt_code rt__download(const char *url, const char *file, const rt_download_options *options, rt_error *err)
{
    rt_download_options o = with_defaults(options);
    rt_error failure;
    library lib;
    rt_code code = load(&lib, err);
    bool again;
    if (code != RT_OK) {
        rt_doing(err, url, "cannot download");
        return code;
    }
    for (unsigned i = 1;; i++) {
        rt_error_clear(&failure);
        code = attempt(&lib, url, file, &o, &again, &failure);
        if (code == RT_OK)
            return RT_OK;
        if (!again || i >= o.attempts)
            break;
        rt_log_line(o.log, RT_WARN, "Download of %s broke off (%s), trying again (%u of %u)", url,
                    failure.cause, i + 1, o.attempts);
        rt__pause(o.retry_ms << (i - 1));
    }
    if (err)
        *err = failure;
    rt_doing(err, url, "cannot download");
    return code;
}
