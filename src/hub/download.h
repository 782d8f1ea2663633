/* Fetches one file over HTTP or HTTPS. */
#ifndef RT_HUB_DOWNLOAD_H
#define RT_HUB_DOWNLOAD_H

#include "retrain/error.h"
#include "retrain/log.h"

#include <stdint.h>

/* {0} is a good start: 0 means the default given here. */
typedef struct rt_download_options {
    const rt_progress *progress; /* bytes so far of all ("downloading"); total 0 while it is not known */
    const rt_log *log;           /* retries, a switched-off certificate check */
    unsigned connect_seconds;    /* 30 */
    unsigned stall_seconds;      /* without a byte: 60 */
    unsigned attempts;           /* 3: broken connections and the server's own errors are tried again */
    unsigned retry_ms;           /* before the second attempt, doubled for each further one: 1000 */
    uint64_t most_bytes;         /* 64 GiB */
} rt_download_options;

/* Writes the body of url to file, which it creates or replaces; follows up to 10 redirects, to HTTP and HTTPS
 * only.  Proxies are taken from http_proxy, https_proxy, no_proxy as curl does; the certificate bundle from
 * SSL_CERT_FILE, CURL_CA_BUNDLE or REQUESTS_CA_BUNDLE, SSL_CERT_DIR; TFHUB_DISABLE_CERT_VALIDATION=true
 * switches the check off, which is said in the log.  After a failure there is no file.
 *   RT_ENOTFOUND  the server says 404 or 410
 *   RT_EFORMAT    the body is shorter than announced
 *   RT_ELIMIT     above most_bytes
 *   RT_EIO        everything else the network or the disk refuses; err->cause says which */
rt_code rt__download(const char *url, const char *file, const rt_download_options *options, rt_error *err);

#endif
