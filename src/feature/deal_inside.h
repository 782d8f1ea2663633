/* What the files deal*.c share.  Messages are the kind, as 4 bytes, and what follows it; numbers are in the
 * machine's order, since the processes are one program on machines of one kind.
 *
 *   GO        0 ->    rt_go
 *   HELLO     -> 0    rt_hello, then the number of each file of its cache
 *   TELL      0 ->    a byte for each of these: whether to tell what is in it
 *   KEYS      -> 0    rt_packed_key_of ..; PATHS: 8 bytes each; TOLD: that was all
 *   (then rank 0 broadcasts the number of keys, and the keys)
 *   WANT      -> 0    a block of photos, please
 *   BLOCK     0 ->    of each photo: its number, 4 bytes, its path and its text file's, each with a final 0
 *   NONE      0 ->    there are no more
 *   DONE      -> 0    rt_report ..: a block, which is stored
 *   FINISHED  -> 0    rt_deal_counts
 *   FETCH     0 ->    rt_order ..; VECTORS: of each its number, its rt_packed_note and its values
 *   FAILED    -> 0    rt_error
 *   BYE       0 ->    close; GONE: the last message of a process
 *   CALL      0 ->    who is there?  ALIVE: I am.  STOPPING: I was told to stop */
#ifndef RT_FEATURE_DEAL_INSIDE_H
#define RT_FEATURE_DEAL_INSIDE_H

#include "deal.h"
#include "packed_tell.h"

#include <pthread.h>

typedef enum rt_deal_kind {
    RT_DEAL_NOTHING,
    RT_DEAL_GO,
    RT_DEAL_HELLO,
    RT_DEAL_TELL,
    RT_DEAL_KEYS,
    RT_DEAL_PATHS,
    RT_DEAL_TOLD,
    RT_DEAL_WANT,
    RT_DEAL_BLOCK,
    RT_DEAL_NONE,
    RT_DEAL_DONE,
    RT_DEAL_FINISHED,
    RT_DEAL_FETCH,
    RT_DEAL_VECTORS,
    RT_DEAL_FAILED,
    RT_DEAL_BYE,
    RT_DEAL_GONE,
    RT_DEAL_CALL,
    RT_DEAL_ALIVE,
    RT_DEAL_STOPPING
} rt_deal_kind;

enum {
    RT_DEAL_PHOTOS = 64,   /* of a block, less near the end */
    RT_DEAL_FEW = 4,       /* but not less than these */
    RT_DEAL_FETCHED = 256, /* vectors of a message */
    RT_DEAL_POLL_MS = 2,   /* how long a message that a thread wants to send may wait */
    RT_DEAL_TELL_BYTES = 1 << 24
};

typedef struct rt_go {
    uint64_t n_photos;
    uint32_t flags, reserved;
} rt_go;

typedef struct rt_hello {
    char host[64];
    uint8_t network[RT_NETWORK_BYTES];
} rt_hello;

typedef struct rt_report {
    uint32_t photo, outcome;
    uint32_t rank, crc; /* whose place it is; of the vector */
    rt_place place;
    uint8_t digest[RT_PHOTO_BYTES]; /* of the photo; zero where it is elsewhere */
} rt_report;

typedef struct rt_order {
    uint32_t photo;
    rt_place place;
} rt_order;

/* Where another process has a vector. */
typedef struct rt_far {
    rt_place place;
    uint32_t crc, owner; /* owner: its rank and 1; 0: it is not far */
} rt_far;

/* Another process, as rank 0 sees it. */
typedef struct rt_peer {
    uint8_t network[RT_NETWORK_BYTES];
    char host[64];
    int64_t heard_ns; /* 0: not yet */
    size_t n_dealt;   /* photos it has in work */
    uint64_t *files;  /* numbers of its files, [n_files] */
    size_t n_files;
    bool unable;   /* to read the photos */
    bool finished; /* its pass */
    bool gone, answered;
} rt_peer;

/* Rank 0's.  Photos are in groups: those nobody knows, then those that rank r knows. */
typedef struct rt_dealer {
    uint32_t *order;        /* photos, group by group */
    size_t *begin, *end;    /* [size + 1], of what is left of each group */
    size_t n, queued, left; /* wanted; in groups; not done */
    uint32_t *again;        /* that another could not read: for rank 0 */
    size_t n_again, room;
    uint32_t mine[RT_DEAL_PHOTOS]; /* rank 0's block */
    size_t n_mine, at_mine;
} rt_dealer;

/* The others'.  A block, from its message to its report. */
typedef struct rt_deal_block {
    struct rt_deal_block *next;
    rt_buffer message;
    size_t n, at, left; /* photos; handed out; not done */
    rt_report reports[RT_DEAL_PHOTOS];
    const char *photos[RT_DEAL_PHOTOS], *texts[RT_DEAL_PHOTOS]; /* in message */
} rt_deal_block;

typedef struct rt_helper {
    rt_deal_block *blocks; /* in work, oldest first */
    bool asked, no_more;   /* for another */
    rt_buffer *out;        /* messages to be sent, [n_out, room] */
    size_t n_out, room;
} rt_helper;

struct rt_deal {
    rt_deal_options o;
    size_t n_photos;
    rt_deal_pass pass;        /* but for packed and places, good until end */
    rt_packed_module network; /* a copy of the pass's */
    rt_peer *peers;           /* [size] */
    rt_packed_key_of *keys;   /* what all have, in order of photo; [n_keys] */
    size_t n_keys;
    rt_far *far;                       /* [n_photos] */
    rt_buffer in;                      /* the message at hand */
    int64_t stopping_ns, heartbeat_ns; /* since when; 0: not */
    bool called;                       /* another was told to stop */
    bool broken, told;                 /* see deal.h */

    pthread_t thread;
    bool serving; /* the thread runs */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Guarded by lock: */
    bool failed, quit, bye, stopped; /* stopped: no more next */
    rt_error error;                  /* of what failed */
    rt_dealer dealer;
    rt_helper helper;
};

typedef struct rt_deal_message {
    rt_deal_kind kind;
    int from;
    const uint8_t *bytes; /* good until the next */
    size_t size;
} rt_deal_message;

/* ---- deal_talk.c ---- */
rt_code rt__deal_send(rt_deal *deal, int to, rt_deal_kind kind, const void *bytes, size_t size,
                      rt_error *err);
rt_code rt__deal_send_all(rt_deal *deal, rt_deal_kind kind, const void *bytes, size_t size, rt_error *err);
/* The next message but those that it answers itself: kind RT_DEAL_NOTHING where none came.
 *   RT_EIO  a signal came, or a process is gone */
rt_code rt__deal_receive(rt_deal *deal, int wait_ms, rt_deal_message *message, rt_error *err);
rt_code rt__deal_unexpected(const rt_deal_message *message, rt_error *err);
/* Keeps the first error, and lets all threads end; with or without the lock. */
void rt__deal_fail(rt_deal *deal, const rt_error *err);

/* ---- deal_keys.c ---- */
/* Tells each other what all have: rank 0 gets *paths, the others nothing; owned by the caller. */
typedef struct rt_path_owner {
    uint64_t path;
    uint64_t rank;
} rt_path_owner;
rt_code rt__deal_tell(rt_deal *deal, rt_path_owner **paths, size_t *n, rt_error *err);
/* The first of n items of `size` bytes, each with a number at its front, in rising order, whose number is not
 * below `number`; n: there is none. */
size_t rt__deal_first(const void *items, size_t n, size_t size, uint64_t number);
/* NULL where no other process has it. */
const rt_packed_key_of *rt__deal_find(const rt_deal *deal, uint64_t photo);

/* ---- dealer.c: rank 0 ---- */
rt_code rt__dealer_prepare(rt_deal *deal, const rt_path_owner *paths, size_t n_paths, rt_error *err);
void rt__dealer_clear(rt_dealer *dealer);
bool rt__dealer_next(rt_deal *deal, rt_deal_item *item);
void rt__dealer_done(rt_deal *deal);
/* Its thread. */
rt_code rt__dealer_serve(rt_deal *deal, rt_error *err);

/* ---- helper.c: the others ---- */
void rt__helper_clear(rt_helper *helper);
bool rt__helper_next(rt_deal *deal, rt_deal_item *item);
rt_code rt__helper_done(rt_deal *deal, const rt_deal_item *item, rt_outcome outcome, rt_error *err);
rt_code rt__helper_paths(const void *user, size_t i, char *photo, char *cache, size_t size, rt_error *err);
/* A message for the thread to send. */
rt_code rt__helper_post(rt_deal *deal, rt_deal_kind kind, const void *bytes, size_t size, rt_error *err);
rt_code rt__helper_serve(rt_deal *deal, rt_error *err);

#endif
