#define _GNU_SOURCE
#include "repeat.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* CK_FUNCTION_LIST up to what is needed: a version, then functions in the
 * order of PKCS #11 v2.40 §4.6. */
enum { SIGN_INIT = 42, SIGN = 43 };
struct functions {
	unsigned char version[2];
	void *f[SIGN + 1];
};

int absah_signing(const char *path, sign_init_fn *init, sign_fn *sign)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
	unsigned long (*get)(struct functions **) = NULL;
	struct functions *list = NULL;
	if (lib == NULL)
		return 0;
	*(void **)&get = dlsym(lib, "C_GetFunctionList");
	if (get == NULL || get(&list) != 0 || list == NULL)
		return 0;
	*(void **)init = list->f[SIGN_INIT];
	*(void **)sign = list->f[SIGN];
	return *init != NULL && *sign != NULL;
}

static uint32_t length(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void set_length(uint8_t *b, uint32_t n)
{
	b[0] = n >> 24;
	b[1] = n >> 16;
	b[2] = n >> 8;
	b[3] = n;
}

static int write_all(int fd, const uint8_t *b, size_t n)
{
	while (n > 0) {
		ssize_t m = write(fd, b, n);
		if (m < 0 && errno == EINTR)
			continue;
		if (m <= 0)
			return 0;
		b += m;
		n -= m;
	}
	return 1;
}

enum { HEADER = 5, MAX_SIGNATURE = 1024, DEVICE_ERROR = 0x30 };

/*
 * absah_repeat answers requests that begin with like, and leaves at the first
 * thing that it does not know all about: whatever has been read of that is in
 * buf, *have bytes, for the caller to go on with. When C_Sign failed it returns
 * its value; the request is used up and wants an answer.
 */
unsigned long absah_repeat(const struct repeat *r, void *param, size_t param_len,
	const uint8_t *like, size_t like_len, uint8_t *buf, size_t cap, size_t *have)
{
	struct mechanism mechanism = { r->mechanism, param, param_len };
	uint8_t out[HEADER + MAX_SIGNATURE];
	size_t n = 0;
	for (;;) {
		ssize_t m = read(r->fd, buf + n, cap - n);
		if (m < 0 && errno == EINTR)
			continue;
		if (m <= 0)
			break; /* the caller will see the same */
		n += m;
		if (n < 4)
			continue;
		size_t want = 4 + (size_t)length(buf);
		if (want > cap)
			break;
		if (n < want)
			continue;
		/* The message is the last field, with its length before it. */
		const uint8_t *field = buf + 4 + like_len;
		if (n != want || want < 4 + like_len + 4 || memcmp(buf + 4, like, like_len) != 0 ||
		    length(field) != want - (4 + like_len + 4))
			break;
		__atomic_add_fetch(&r->shared->busy, 1, __ATOMIC_SEQ_CST);
		unsigned long siglen = MAX_SIGNATURE, rv = 0;
		int begun = __atomic_load_n(&r->shared->changes, __ATOMIC_SEQ_CST) == r->changes &&
			r->init(r->session, &mechanism, r->key) == 0;
		if (begun)
			rv = r->sign(r->session, (void *)(field + 4), length(field), out + HEADER, &siglen);
		__atomic_sub_fetch(&r->shared->busy, 1, __ATOMIC_SEQ_CST);
		if (!begun)
			break; /* nothing was signed: the caller mends it and begins again */
		n = 0;
		if (rv == 0 && siglen > MAX_SIGNATURE)
			rv = DEVICE_ERROR; /* it wrote over memory, or lies */
		if (rv != 0) {
			*have = 0;
			return rv;
		}
		set_length(out, 1 + siglen);
		out[4] = 0; /* statusOK */
		if (!write_all(r->fd, out, HEADER + siglen))
			break;
	}
	*have = n;
	return 0;
}
