/* What `cargo xtask bench` has measured. Prints nanoseconds a call, of the best of its batches: the one that nothing
 * else has disturbed.
 *
 *   workload calls BATCHES COUNT [THREADS]  getppid, on so many processors at once
 *   workload forks BATCHES COUNT            fork, execve of /bin/true, wait
 *   workload steady 1 1                     a hundred calls ten times a second, until it is ended
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_BATCHES = 1000, MOST_THREADS = 256 };

static long batches, count, threads = 1;
static pthread_barrier_t barrier;
static double took[MOST_THREADS][MOST_BATCHES];

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void forks(void)
{
	for (long i = 0; i < count; i++) {
		pid_t child = fork();
		if (!child) {
			execl("/bin/true", "true", (char *)0);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
}

static void calls(void)
{
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
}

static void *thread(void *place)
{
	long self = (long)place;
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(self, &cpus);
	sched_setaffinity(0, sizeof cpus, &cpus);
	for (long i = 0; i < batches; i++) {
		pthread_barrier_wait(&barrier);
		double begun = now();
		calls();
		took[self][i] = (now() - begun) / count;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	batches = atol(argv[2]);
	count = atol(argv[3]);
	if (argc > 4)
		threads = atol(argv[4]);
	if (batches < 1 || batches > MOST_BATCHES || threads < 1 || threads > MOST_THREADS)
		return 2;
	while (!strcmp(argv[1], "steady")) {
		count = 100;
		calls();
		usleep(100000);
	}
	if (!strcmp(argv[1], "forks")) {
		for (long i = 0; i < batches; i++) {
			double begun = now();
			forks();
			took[0][i] = (now() - begun) / count;
		}
	} else {
		pthread_t ids[MOST_THREADS];
		pthread_barrier_init(&barrier, NULL, threads);
		for (long i = 0; i < threads; i++)
			if (pthread_create(&ids[i], NULL, thread, (void *)i))
				return 1;
		for (long i = 0; i < threads; i++)
			pthread_join(ids[i], NULL);
	}
	/* Of all threads together: a batch that one of them has had to itself does not count as undisturbed. */
	double best = 0;
	for (long i = 0; i < batches; i++) {
		double sum = 0;
		for (long j = 0; j < threads; j++)
			sum += took[j][i];
		if (!i || sum < best)
			best = sum;
	}
	printf("%.2f\n", best / threads);
	return 0;
}
