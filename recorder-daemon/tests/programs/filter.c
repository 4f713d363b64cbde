/* Sets a seccomp filter that denies getppid: filter errno|kill PLACE
 *
 * PLACE: `self`, `thread` (that alone has the filter), `child` (which is forked with it).
 * With `kill` the first call after the filter is the one that ends the process. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned action;

static void *filtered(void *unused)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(9);
	syscall(SYS_getppid);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc != 3)
		return 8;
	action = strcmp(argv[1], "kill") ? SECCOMP_RET_ERRNO | 1 : SECCOMP_RET_KILL_PROCESS;
	if (!strcmp(argv[2], "thread"))
		return pthread_create(&thread, NULL, filtered, NULL) || pthread_join(thread, NULL);
	if (!strcmp(argv[2], "child") && fork()) {
		wait(NULL);
		return 0;
	}
	filtered(NULL);
	return 0;
}
