/*
 * A PKCS#11 module for tests that stands before another one and misbehaves on
 * request. It is compiled by hsmtest.NewShim and configured by environment:
 *
 *   SHIM_MODULE   the real module
 *   SHIM_CONTROL  file read at every signature: "<count> <word> [<number>]";
 *                 the fault happens at the next <count> signatures, 0 = for
 *                 ever; with a number, but for delay, only at those made by
 *                 the mechanism of that number
 *   SHIM_LOG      file that gets a line for every C_Login, C_SignInit, C_Sign
 *                 (those that make a signature, not those that ask for a
 *                 length): the call, the session, the process, the time in
 *                 nanoseconds since 1970, the key's label or -, the mechanism
 *
 * Words: removed, device, general, session, login, handle (answers of C_Sign);
 * init-session, init-login, init-handle (answers of C_SignInit); flip (one bit
 * of the signature); logout (behind a good signature, as after a time without
 * work); delay <ms>; hang; abort (in C_Sign); kill-before, kill-after (the
 * process that uses this one is killed before the signature exists, or when it
 * exists and nobody has it).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef ulong (*sign_fn)(ulong, unsigned char *, ulong, unsigned char *, ulong *);
typedef ulong (*sign_init_fn)(ulong, void *, ulong);
typedef ulong (*login_fn)(ulong, ulong, unsigned char *, ulong);
typedef ulong (*logout_fn)(ulong);
typedef ulong (*attribute_fn)(ulong, ulong, void *, ulong);

/* CK_FUNCTION_LIST: a version of two bytes, then 68 functions in this order. */
enum { I_GetFunctionList = 3, I_Login = 18, I_Logout = 19, I_GetAttributeValue = 24, I_SignInit = 42, I_Sign = 43, FUNCTIONS = 68 };
struct list {
	unsigned char version[2];
	void *f[FUNCTIONS];
};

static struct list shim, *real;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* mechanisms and labels are those of C_SignInit, by session; one that is not
 * open any more may share its place. */
enum { SESSIONS = 4096, LABEL = 32 };
static ulong mechanisms[SESSIONS];
static char labels[SESSIONS][LABEL + 1];

static void note(const char *what, ulong session, ulong mechanism)
{
	const char *path = getenv("SHIM_LOG"), *label = labels[session % SESSIONS];
	char line[160];
	struct timespec now;
	int fd, n;

	if (path == NULL || (fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof line, "%s %lu %d %lld%09ld %s 0x%lx\n", what, session, (int)getpid(),
		(long long)now.tv_sec, now.tv_nsec, label[0] ? label : "-", mechanism);
	if (write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* fault reports whether a fault of this kind is due now, and counts it. */
static int fault(int init, ulong mechanism, char *word, int *number)
{
	const char *path = getenv("SHIM_CONTROL");
	FILE *f;
	int count = 0, found = 0;

	pthread_mutex_lock(&lock);
	*number = 0;
	if (path != NULL && (f = fopen(path, "re")) != NULL) {
		found = fscanf(f, "%d %31s %d", &count, word, number) >= 2;
		fclose(f);
	}
	if (found && init != (strncmp(word, "init-", 5) == 0))
		found = 0;
	if (found && *number != 0 && strcmp(word, "delay") != 0 && (ulong)*number != mechanism)
		found = 0;
	if (found && count == 1) {
		unlink(path);
	} else if (found && count > 1 && (f = fopen(path, "we")) != NULL) {
		fprintf(f, "%d %s %d\n", count - 1, word, *number);
		fclose(f);
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static ulong code(const char *word)
{
	static const struct { const char *word; ulong rv; } codes[] = {
		{"removed", 0x32}, {"device", 0x30}, {"general", 0x05},
		{"session", 0xB3}, {"login", 0x101}, {"handle", 0x60},
	};
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(word, codes[i].word) == 0)
			return codes[i].rv;
	return 0;
}

static ulong shim_Login(ulong s, ulong user, unsigned char *pin, ulong len)
{
	note("C_Login", s, 0);
	return ((login_fn)real->f[I_Login])(s, user, pin, len);
}

/* name notes which key a session signs with; keys of a session have no label. */
static void name(ulong session, ulong key)
{
	char *label = labels[session % SESSIONS];
	struct { ulong type; void *value; ulong length; } attribute = {0x03 /* CKA_LABEL */, label, LABEL};

	memset(label, 0, LABEL + 1);
	if (((attribute_fn)real->f[I_GetAttributeValue])(session, key, &attribute, 1) != 0)
		label[0] = 0;
	for (; *label != 0; label++)
		if (*label == ' ')
			*label = '_';
}

static ulong shim_SignInit(ulong s, void *mechanism, ulong key)
{
	char word[32];
	int number;

	ulong kind = *(ulong *)mechanism; /* the first member of a CK_MECHANISM */

	mechanisms[s % SESSIONS] = kind;
	name(s, key);
	note("C_SignInit", s, kind);
	if (fault(1, kind, word, &number)) {
		if (strcmp(word, "init-login") == 0)
			((logout_fn)real->f[I_Logout])(s);
		return code(word + 5);
	}
	return ((sign_init_fn)real->f[I_SignInit])(s, mechanism, key);
}

/* end_parent kills the process that uses this one, which then dies with it. */
static void end_parent(void)
{
	kill(getppid(), SIGKILL);
	for (;;)
		pause();
}

static ulong shim_Sign(ulong s, unsigned char *msg, ulong n, unsigned char *sig, ulong *len)
{
	char word[32] = "";
	int number;
	ulong rv;

	if (sig == NULL)
		return ((sign_fn)real->f[I_Sign])(s, msg, n, sig, len);
	note("C_Sign", s, mechanisms[s % SESSIONS]);
	if (!fault(0, mechanisms[s % SESSIONS], word, &number))
		word[0] = 0;
	if (code(word) != 0)
		return code(word);
	if (strcmp(word, "abort") == 0)
		abort();
	if (strcmp(word, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(word, "delay") == 0) {
		struct timespec t = {number / 1000, number % 1000 * 1000000L};
		nanosleep(&t, NULL);
	}
	if (strcmp(word, "kill-before") == 0)
		end_parent();
	rv = ((sign_fn)real->f[I_Sign])(s, msg, n, sig, len);
	if (strcmp(word, "kill-after") == 0)
		end_parent();
	if (strcmp(word, "logout") == 0)
		((logout_fn)real->f[I_Logout])(s);
	if (rv == 0 && strcmp(word, "flip") == 0)
		sig[*len / 2] ^= 1;
	return rv;
}

ulong C_GetFunctionList(struct list **out)
{
	pthread_mutex_lock(&lock);
	if (real == NULL) {
		void *lib = dlopen(getenv("SHIM_MODULE"), RTLD_NOW | RTLD_LOCAL);
		ulong (*get)(struct list **) = NULL;

		if (lib != NULL)
			*(void **)&get = dlsym(lib, "C_GetFunctionList");
		if (get == NULL || get(&real) != 0) {
			pthread_mutex_unlock(&lock);
			return 0x05;
		}
		shim = *real;
		shim.f[I_GetFunctionList] = (void *)C_GetFunctionList;
		shim.f[I_Login] = (void *)shim_Login;
		shim.f[I_SignInit] = (void *)shim_SignInit;
		shim.f[I_Sign] = (void *)shim_Sign;
	}
	pthread_mutex_unlock(&lock);
	*out = &shim;
	return 0;
}
