/*
 * dynentropy.h - the entropy channel: heal a replica that missed writes.
 *
 * A source turns local data into snapshots.  A sender pushes each of them over its own TCP
 * connection, encrypted with a pre-shared key.  A receiver checks it to its last byte and only then
 * gives it to a sink, which applies it.  A driver runs a round: a push to every target in turn.
 *
 *     source -> sender ===TCP=== receiver -> sink
 *
 * This header has all of it: sources and sinks are in dynentropy_data.h, errors, cancelling, limits
 * and key material in dynentropy_base.h.
 *
 * Conventions
 *
 *   Errors     A function that can fail returns enum dyn_entropy_status, zero on success, and
 *              describes the failure in *err.  err may be NULL.  A message never holds a key, a
 *              value or key material, nor the address of the other side, which the caller has.
 *
 *   Arguments  A pointer must not be NULL unless a comment says that it may be.  Strings are
 *              NUL-terminated and borrowed during the call, unless a comment says otherwise.
 *
 *   Ownership  What ..._new(), ..._load(), ..._source_x() or ..._sink_x() made is released by the
 *              matching ..._free(), which is harmless on NULL or an empty source or sink.
 *
 *   Sizes      A struct that is passed by address begins with struct_size, its size in bytes when
 *              its maker was compiled.  So later versions can add members at its end without
 *              breaking programs built with this one.  Set it; zeros elsewhere are the defaults:
 *
 *                  struct dyn_entropy_push_options options = {.struct_size = sizeof(options)};
 *
 *              In C++ it is initialized.  The library fills in a result up to its struct_size.  A
 *              nested struct is the last member.  dyn_entropy_error, dyn_entropy_source and
 *              dyn_entropy_sink have a fixed size and will not change.
 *
 *   Threads    An object belongs to one thread at a time unless its comment says otherwise.
 *
 *   Waiting    Every wait has a deadline, and dyn_entropy_cancel_set() ends it at once, from any
 *              thread or signal handler.
 *
 *   Signals    The library raises no SIGPIPE (it uses MSG_NOSIGNAL).
 */
#ifndef DYNENTROPY_H
#define DYNENTROPY_H

#include "dynentropy_base.h"
#include "dynentropy_data.h"

struct sockaddr;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Configuration --------------------------------------------------------------------------- */

/* Texts are borrowed: they must outlive the objects made from the configuration. */
struct dyn_entropy_config {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_config);
	const char *key_file;      /* NULL when encrypt is false */
	const char *iv_file;       /* likewise */
	const char *listen_addr;   /* "host:port" of the receiver; port 0: the kernel's choice */
	const char *send_addr;     /* "host" that the sender binds to; NULL: the kernel's choice */
	const char *peer_endpoint; /* "host:port" that the sender connects to */
	bool encrypt;              /* false: send and accept only plaintext */
	uint32_t buffer_size;      /* plaintext bytes per chunk; a multiple of 16 when encrypt */
	uint32_t header_size;      /* bytes of the snapshot header */
	uint64_t max_rate;         /* of the sender, bytes per second; 0: unlimited */
	uint64_t max_snapshot_bytes; /* plaintext bytes that a receiver accepts */
	const char *spool_dir;       /* for snapshots beyond 16 MiB; NULL: TMPDIR, else /var/tmp */
	unsigned max_connections;    /* receiver workers, 1..1024 */
	uint32_t timeout_ms;         /* without a byte before a connection is given up */
};

/* Fill in struct_size and the defaults: encrypt, port 8105 on 127.0.0.1, and the
 * DYN_ENTROPY_DEFAULT_ sizes. */
void dyn_entropy_config_init_size(struct dyn_entropy_config *c, size_t struct_size);
static inline void dyn_entropy_config_init(struct dyn_entropy_config *c)
{
	dyn_entropy_config_init_size(c, sizeof(*c));
}

/* Check all fields.  DYN_ENTROPY_ERR_CONFIG names field, value and range. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_config_validate(
	const struct dyn_entropy_config *c, struct dyn_entropy_error *err);

/* ---- Sender ---------------------------------------------------------------------------------- */

/* How the connection of a snapshot ended: version 1 of the wire protocol tells a sender no more. */
enum dyn_entropy_outcome {
	/* Nothing was sent. */
	DYN_ENTROPY_OUTCOME_NONE = 0,
	/* In good order: a receiver of this library has applied it; of another it proves nothing.
	 */
	DYN_ENTROPY_OUTCOME_CLOSED,
	/* Reset, or closed early: not applied, or not all of it. */
	DYN_ENTROPY_OUTCOME_REFUSED,
	/* Not closed in time: unknown. */
	DYN_ENTROPY_OUTCOME_UNANSWERED,
	/* No connection. */
	DYN_ENTROPY_OUTCOME_UNREACHED,
	/* This side failed: its source, its memory, cancelled. */
	DYN_ENTROPY_OUTCOME_FAILED,
	/* It answered, or closed in good order, before it had all of a snapshot, as no receiver
	 * does: another service has that port. */
	DYN_ENTROPY_OUTCOME_NO_RECEIVER,
};

/* Words for a log line or a status page.  Static storage. */
const char *dyn_entropy_outcome_text(enum dyn_entropy_outcome outcome);

struct dyn_entropy_push_result {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_push_result);
	/* Of the first snapshot that was not closed in good order, else CLOSED. */
	enum dyn_entropy_outcome outcome;
	uint64_t snapshots; /* sent whole */
	uint64_t closed;    /* of them, closed in good order */
	/* In snapshots sent whole, and during a push the share of the current one; 0 when the
	 * source does not count keys. */
	uint64_t keys;
	uint64_t bytes;      /* plaintext sent */
	uint64_t wire_bytes; /* including headers, framing and padding */
	double seconds;
	uint64_t refused;     /* of them, reset by the receiver: not applied, or not all of it */
	bool complete;        /* all that the source has was sent whole, and answered in time */
	uint64_t reserved[2]; /* 0 */
	struct dyn_entropy_source_totals source;
};

/* Called a few times a second during a push, in its thread: so_far->source is what was read, the
 * rest what was sent. */
typedef void (*dyn_entropy_progress_fn)(void *arg, const struct dyn_entropy_push_result *so_far);

struct dyn_entropy_push_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_push_options);
	dyn_entropy_cancel *cancel; /* may be NULL */
	dyn_entropy_progress_fn progress;
	void *progress_arg;
};

/*
 * Send every snapshot of source to config->peer_endpoint, each on its own connection; while the
 * receiver applies one, the next is sent.  Stops at the first failure, but not at a snapshot that
 * the receiver refuses when it has all of it (it may have a key that its store does not take) as
 * long as it accepts an empty one before the next: DYN_ENTROPY_ERR_SINK when it took others.
 * material may be NULL when config->encrypt is false; options may be NULL.  *result is filled in in
 * either case.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_push(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, struct dyn_entropy_push_result *result,
	struct dyn_entropy_error *err);

/*
 * Push an empty snapshot, to check that the receiver is reachable and accepts snapshots before an
 * expensive source is opened.  OK when it was closed in good order.  material and cancel may be
 * NULL as for dyn_entropy_push(); *outcome is set in either case.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_knock(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, dyn_entropy_cancel *cancel,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err);

/* ---- Receiver -------------------------------------------------------------------------------- */

typedef struct dyn_entropy_receiver dyn_entropy_receiver;

/* The result of one connection. */
struct dyn_entropy_receive_result {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receive_result);
	char peer[80];  /* "host:port" of the sender; empty: no connection */
	uint64_t bytes; /* plaintext received */
	double seconds;
	bool turned_away;     /* not served: address not allowed, or no worker or descriptor free */
	uint64_t reserved[4]; /* 0 */
	struct dyn_entropy_apply_result applied;
};

struct dyn_entropy_receiver_counters {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receiver_counters);
	uint64_t connections; /* served, including current ones */
	uint64_t committed;   /* snapshots applied whole */
	uint64_t failed;      /* served connections that ended otherwise, but those taken */
	uint64_t turned_away; /* address not allowed, or no worker or descriptor free */
	uint64_t bytes;       /* plaintext of committed snapshots */
	uint64_t commands, applied, kept, left_alone; /* of them: dyn_entropy_apply_result */
	unsigned active;                              /* connections being served now */
	uint64_t taken;                               /* of connections, by take_version_2() */
};

struct dyn_entropy_receiver_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receiver_options);
	/* Whether this address may connect.  NULL: any.  Called in the receiver's thread. */
	bool (*allow)(void *arg, const struct sockaddr *from);
	void *allow_arg;
	/*
	 * Called once for every connection that dyn_entropy_receiver_run() served, in the worker's
	 * thread, and for every one turned away, in the receiver's: status OK and the result, or
	 * the error.  Not for those that dyn_entropy_receiver_accept_one() served.  The connection
	 * is closed after this returns.  result->peer is set, err never NULL.  May be NULL.
	 */
	void (*ended)(void *arg, enum dyn_entropy_status status,
		const struct dyn_entropy_receive_result *result,
		const struct dyn_entropy_error *err);
	void *ended_arg;
	/*
	 * Takes a connection that speaks version 2 of the protocol: its first byte is that of TLS,
	 * 0x16.  The library does not speak it.  fd has the whole of what was sent, is non-blocking
	 * and close-on-exec; peer is the sender's "host:port".  True: fd is the program's, and
	 * ended() is not called.  False: fd is the library's again, which refuses the connection.
	 * NULL: they are refused.  Called in the worker's thread; it should return at once.
	 */
	bool (*take_version_2)(void *arg, int fd, const char *peer);
	void *take_version_2_arg;
	/* Refuse connections that speak version 1. */
	bool refuse_version_1;
};

/*
 * Bind to config->listen_addr.  material and sink are borrowed; material may be NULL when
 * config->encrypt is false; options may be NULL.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_new(
	const struct dyn_entropy_config *config, const dyn_entropy_material *material,
	const struct dyn_entropy_sink *sink, const struct dyn_entropy_receiver_options *options,
	dyn_entropy_receiver **out, struct dyn_entropy_error *err);

/* The port it listens on, also when the kernel chose it. */
uint16_t dyn_entropy_receiver_port(const dyn_entropy_receiver *r);

/*
 * Wait at most timeout_ms for one connection and serve it in this thread.  result->peer is empty
 * when none was served; those turned away are reported only to ended().
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_accept_one(dyn_entropy_receiver *r,
	uint32_t timeout_ms, struct dyn_entropy_receive_result *result,
	struct dyn_entropy_error *err);

/* Serve connections on up to config->max_connections workers until dyn_entropy_receiver_stop(): OK.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_run(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err);

/* dyn_entropy_receiver_run() in a new thread, one at a time.  After _stop(), join waits for it and
 * the workers. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_start(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err);
void dyn_entropy_receiver_join(dyn_entropy_receiver *r);

/* End accept_one and run; connections under way are reset.  Any thread, and signal handlers. */
void dyn_entropy_receiver_stop(dyn_entropy_receiver *r);

/* The counters since the start.  Any thread. */
void dyn_entropy_receiver_count(
	dyn_entropy_receiver *r, struct dyn_entropy_receiver_counters *counters);

/* Stop, join, close. */
void dyn_entropy_receiver_free(dyn_entropy_receiver *r);

/* ---- Driver ---------------------------------------------------------------------------------- */

/* What one round did. */
struct dyn_entropy_round {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_round);
	uint64_t attempted; /* targets */
	uint64_t exchanged; /* with every snapshot closed in good order */
	uint64_t failed;    /* the others */
	uint64_t snapshots;
	uint64_t keys;
	uint64_t bytes;
	double seconds;
};

struct dyn_entropy_target_report {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_target_report);
	size_t target;                         /* its index in the driver's targets */
	const char *endpoint;                  /* "host:port"; lives as long as the driver */
	uint64_t rounds;                       /* that this target took part in */
	enum dyn_entropy_status status;        /* of its last round */
	char message[DYN_ENTROPY_MESSAGE_MAX]; /* of its last round; empty when it went well */
	uint64_t reserved[4];                  /* 0 */
	struct dyn_entropy_push_result last;   /* of its last round */
};

struct dyn_entropy_driver_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_driver_options);
	/* "host:port" each; copied.  The callbacks get a target as its index in this list. */
	const char *const *targets;
	size_t n_targets;
	/* Make the source for one target; the driver frees it.  err is never NULL. */
	enum dyn_entropy_status (*open_source)(void *arg, size_t target,
		struct dyn_entropy_source *out, struct dyn_entropy_error *err);
	void *open_source_arg;
	/* Whether a target takes part in the current round.  NULL: every one does. */
	bool (*takes_part)(void *arg, size_t target);
	void *takes_part_arg;
	/* Call dyn_entropy_knock() first, and open no source for a target that refuses it.  It
	 * counts only in the seconds. */
	bool knock;
	/* Called when a target's part has ended, in the round's thread.  May be NULL. */
	void (*target_done)(void *arg, const struct dyn_entropy_target_report *report);
	void *target_done_arg;
	dyn_entropy_progress_fn progress; /* of the target being pushed to; may be NULL */
	void *progress_arg;
	dyn_entropy_cancel *cancel; /* may be NULL */
};

typedef struct dyn_entropy_driver dyn_entropy_driver;

/* config->peer_endpoint is ignored in favour of the targets.  material is borrowed, and may be NULL
 * when config->encrypt is false. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_driver_new(
	const struct dyn_entropy_config *config, const dyn_entropy_material *material,
	const struct dyn_entropy_driver_options *options, dyn_entropy_driver **out,
	struct dyn_entropy_error *err);

/*
 * Run a round: push to every target, also after one has failed.  OK when the round ran to its end;
 * *round counts the targets that failed.  One round at a time.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_driver_round(
	dyn_entropy_driver *d, struct dyn_entropy_round *round, struct dyn_entropy_error *err);

/* Release it, between rounds; NULL is harmless. */
void dyn_entropy_driver_free(dyn_entropy_driver *d);

#ifdef __cplusplus
}
#endif

#endif
