/* See worker_repeat.go. */
#ifndef ABSAH_REPEAT_H
#define ABSAH_REPEAT_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned long (*sign_init_fn)(unsigned long session, void *mechanism, unsigned long key);
typedef unsigned long (*sign_fn)(unsigned long session, void *data, unsigned long len, void *sig, unsigned long *siglen);

/* CK_MECHANISM. PKCS #11 packs its structures on Windows only. */
struct mechanism {
	unsigned long code;
	void *param;
	unsigned long param_len;
};

/* What all sessions share: requests inside the library, and how often handles
 * became void. Read and written atomically. */
struct shared {
	int64_t busy;
	uint64_t changes;
};

/* signing finds the two functions in a library that is loaded already. */
int absah_signing(const char *path, sign_init_fn *init, sign_fn *sign);

struct repeat {
	sign_init_fn init;
	sign_fn sign;
	struct shared *shared;
	uint64_t changes;
	int fd;
	unsigned long session, key;
	unsigned long mechanism;
};

unsigned long absah_repeat(const struct repeat *r, void *param, size_t param_len,
	const uint8_t *like, size_t like_len, uint8_t *buf, size_t cap, size_t *have);

#endif
