/* Load a server over sockets that somebody else has opened, and count what comes back.
 *
 * Nothing here knows a protocol. What is sent was made beforehand, byte by byte; every message
 * holds a mark followed by ten digits, its number, and is found in what arrives by that mark, in
 * whatever frames a system brings it. So all systems are measured by the same program, and none of
 * its time goes into parsing. Each reader must see each number once and in order: the first gap or
 * double ends the run with exit code 3 (`unordered=1`, for a system that promises no order, only
 * counts).
 *
 *   mode=fan  WINDOW messages are under way at any time; one is done when every reader has it
 *   mode=rate RATE messages a second are due, and a delivery is timed from when its message was due
 *   mode=ack  every publisher has WINDOW messages that have not been answered (MARK has no digits)
 *
 * Files: frames=F has messages back to back, F.index a (connection, length) of two uint32 for each.
 * side=F the same for what else is sent at side_rate (receipts, from the readers' connections), and
 * kick=F for what is sent once, at the beginning, by `catchers`, who must then read `stored` marks.
 * log=F gets a (reader, number) of two uint32 for each delivery, in their order: what a checker reads.
 *
 * A system that has not delivered everything `patience` seconds after the end of the time is cut off;
 * `unfinished` says how many messages had not reached everybody then.
 *
 * One line of JSON on standard output; times in seconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 64, READ_BYTES = 1 << 20, EVENTS = 1024, DIGITS = 10, STALLED_SECONDS = 20 };
enum role { PUBLISHER, READER, CATCHER };

struct conn {
    int fd, role;
    unsigned char kept[ROOM]; /* the end of the last read, in which a mark may have begun */
    size_t kept_bytes, skip;
    uint64_t next; /* the number that must come next */
    uint64_t hits;
    const unsigned char *out; /* what the kernel has not taken yet */
    size_t out_bytes;
    uint32_t begin, sent, end, in_flight; /* its frames; only mode=ack has several publishers */
};

struct frames {
    const unsigned char *data;
    const uint32_t *index;
    uint64_t *offset;
    uint32_t count;
};

static struct conn *conns;
static uint32_t conn_count, publisher_count, reader_count, catcher_count;
static struct frames frames, side, kick;
static const char *mode = "fan", *mark = "";
static size_t mark_bytes, skip_bytes;
static uint64_t window = 1, base, stored, count, reads, bytes, deliveries;
static double seconds = 3, rate = 100, side_rate, patience = 10;
static double *due; /* when each message was sent or due */
static uint32_t *missing, done, caught_up;
static float *waits;
static uint64_t wait_count, wait_room;
static double last_progress, ended, caught_up_at;
static int is_ack, is_rate, unordered;
static uint32_t unfinished;
static FILE *deliveries_log;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *why, int code) {
    fprintf(stderr, "generator: %s\n", why);
    exit(code);
}

static const void *map(const char *path, size_t *size) {
    struct stat found;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &found)) fail(path, 2);
    *size = found.st_size;
    if (!*size) return "";
    void *at = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) fail("mmap", 2);
    close(fd);
    return at;
}

static void load(struct frames *f, const char *path) {
    char name[4096];
    size_t size;
    snprintf(name, sizeof name, "%s.index", path);
    f->index = map(name, &size);
    f->count = size / 8;
    f->data = map(path, &size);
    f->offset = calloc(f->count + 1, sizeof *f->offset);
    for (uint32_t i = 0; i < f->count; i++) f->offset[i + 1] = f->offset[i] + f->index[2 * i + 1];
}

static int epoll_fd;

static void watch(struct conn *c, int op) {
    struct epoll_event e = {EPOLLIN | (c->out_bytes ? EPOLLOUT : 0), {.ptr = c}};
    if (epoll_ctl(epoll_fd, op, c->fd, &e)) fail("epoll_ctl", 2);
}

static void flush(struct conn *c) {
    int waited = c->out_bytes != 0;
    while (c->out_bytes) {
        ssize_t n = send(c->fd, c->out, c->out_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) fail("send", 4);
        c->out += n;
        c->out_bytes -= n;
    }
    if (waited || c->out_bytes) watch(c, EPOLL_CTL_MOD);
}

/* Send frames first to last - 1, which lie back to back, behind what still waits before them. */
static void post(struct conn *c, struct frames *f, uint32_t first, uint32_t last) {
    if (first == last) return;
    if (!c->out_bytes) c->out = f->data + f->offset[first];
    c->out_bytes += f->offset[last] - f->offset[first];
    flush(c);
}

static void top_up_answers(struct conn *c, double at, double until) {
    uint32_t first = c->sent;
    while (c->in_flight < window && c->sent < c->end && at < until) due[c->sent++] = at, c->in_flight++;
    post(c, &frames, first, c->sent);
}

static uint32_t fan_sent;

static void top_up_fan(double at, double until) {
    uint32_t first = fan_sent;
    while (fan_sent - done < window && fan_sent < count && at < until) due[fan_sent++] = at;
    post(&conns[0], &frames, first, fan_sent);
}

static void note_wait(double span) {
    if (wait_count < wait_room) waits[wait_count++] = span;
}

static void hit(struct conn *c, const unsigned char *digits, double at) {
    last_progress = at;
    c->hits++;
    if (is_ack) {
        note_wait(at - due[c->begin + c->hits - 1]);
        c->in_flight--, done++, ended = at;
        return;
    }
    uint64_t number = 0;
    for (int i = 0; i < DIGITS; i++) number = number * 10 + (digits[i] - '0');
    if (number != c->next++ && !unordered) {
        fprintf(stderr, "reader %ld: %lu instead of %lu\n", c - conns, number, c->next - 1);
        fail("a gap or a double", 3);
    }
    if (c->role == CATCHER) {
        if (c->hits == stored) caught_up++, caught_up_at = at;
        return;
    }
    if (c->role != READER) return;
    uint64_t i = number - base;
    if (i >= count) fail("a message that was not sent", 3);
    deliveries++;
    note_wait(at - due[i]);
    if (deliveries_log) {
        uint32_t row[2] = {c - conns - publisher_count, number};
        fwrite(row, sizeof row, 1, deliveries_log);
    }
    if (!missing[i]) fail("a double", 3);
    if (!--missing[i]) done++, ended = at;
}

static unsigned char buffer[ROOM + READ_BYTES];

static void scan(struct conn *c, const unsigned char *p, const unsigned char *end, double at) {
    size_t whole = mark_bytes + (is_ack ? 0 : DIGITS);
    size_t over = c->skip < (size_t)(end - p) ? c->skip : (size_t)(end - p);
    p += over, c->skip -= over;
    c->kept_bytes = 0;
    while (p < end) {
        const unsigned char *q = memmem(p, end - p, mark, mark_bytes);
        if (!q || (size_t)(end - q) < whole) {
            size_t keep = q ? (size_t)(end - q) : mark_bytes - 1;
            if (keep > (size_t)(end - p)) keep = end - p;
            memcpy(c->kept, end - keep, keep);
            c->kept_bytes = keep;
            return;
        }
        hit(c, q + mark_bytes, at);
        p = q + whole;
        if ((size_t)(end - p) < skip_bytes) {
            c->skip = skip_bytes - (end - p);
            return;
        }
        p += skip_bytes;
    }
}

static void take(struct conn *c) {
    unsigned char *start = buffer + ROOM;
    ssize_t n = recv(c->fd, start, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("a connection was closed", 4);
    reads++, bytes += n;
    memcpy(start - c->kept_bytes, c->kept, c->kept_bytes);
    scan(c, start - c->kept_bytes, start + n, now());
}

static void add_conns(char *list, enum role role, uint32_t *number) {
    for (char *fd = strtok(list, ","); fd; fd = strtok(NULL, ",")) {
        conns = realloc(conns, (conn_count + 1) * sizeof *conns);
        memset(&conns[conn_count], 0, sizeof *conns);
        conns[conn_count].fd = atoi(fd);
        conns[conn_count++].role = role;
        ++*number;
    }
}

static void read_arguments(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value) fail(argv[i], 2);
        *value++ = 0;
        const char *name = argv[i];
        if (!strcmp(name, "mode")) mode = value;
        else if (!strcmp(name, "mark")) mark = value;
        else if (!strcmp(name, "skip")) skip_bytes = strtoul(value, NULL, 10);
        else if (!strcmp(name, "window")) window = strtoul(value, NULL, 10);
        else if (!strcmp(name, "base")) base = strtoul(value, NULL, 10);
        else if (!strcmp(name, "stored")) stored = strtoul(value, NULL, 10);
        else if (!strcmp(name, "unordered")) unordered = atoi(value);
        else if (!strcmp(name, "seconds")) seconds = atof(value);
        else if (!strcmp(name, "patience")) patience = atof(value);
        else if (!strcmp(name, "log") && (deliveries_log = fopen(value, "wb"))) continue;
        else if (!strcmp(name, "rate")) rate = atof(value);
        else if (!strcmp(name, "side_rate")) side_rate = atof(value);
        else if (!strcmp(name, "frames")) load(&frames, value);
        else if (!strcmp(name, "side")) load(&side, value);
        else if (!strcmp(name, "kick")) load(&kick, value);
        else if (!strcmp(name, "publishers")) add_conns(value, PUBLISHER, &publisher_count);
        else if (!strcmp(name, "readers")) add_conns(value, READER, &reader_count);
        else if (!strcmp(name, "catchers")) add_conns(value, CATCHER, &catcher_count);
        else fail(name, 2);
    }
    is_ack = !strcmp(mode, "ack"), is_rate = !strcmp(mode, "rate");
    mark_bytes = strlen(mark);
    if (!mark_bytes || mark_bytes + DIGITS > ROOM || !publisher_count) fail("mark or publisher", 2);
}

static void prepare(void) {
    count = frames.count;
    due = calloc(count + 1, sizeof *due);
    missing = malloc((count + 1) * sizeof *missing);
    for (uint64_t i = 0; i < count; i++) missing[i] = reader_count;
    wait_room = 8u << 20;
    waits = malloc(wait_room * sizeof *waits);
    for (uint32_t i = 0; i < conn_count; i++) {
        conns[i].next = conns[i].role == CATCHER ? base - stored : base;
        watch(&conns[i], EPOLL_CTL_ADD);
    }
    if (!is_ack) return;
    for (uint32_t i = 0; i < count; i++) {
        struct conn *c = &conns[frames.index[2 * i]];
        if (!c->end) c->begin = c->sent = i;
        c->end = i + 1;
    }
}

static uint32_t side_sent;

static double side_due(double begun) {
    return side_rate > 0 && side_sent < side.count ? begun + side_sent / side_rate : 1e18;
}

static double rate_due(double begun) {
    return is_rate && fan_sent < count ? begun + fan_sent / rate : 1e18;
}

/* Send what is due; return when the next is. */
static double send_due(double begun, double until) {
    double at = now();
    for (; side_due(begun) <= at; side_sent++)
        post(&conns[side.index[2 * side_sent]], &side, side_sent, side_sent + 1);
    for (; rate_due(begun) <= at && rate_due(begun) < until; fan_sent++) {
        due[fan_sent] = rate_due(begun);
        post(&conns[0], &frames, fan_sent, fan_sent + 1);
    }
    double a = side_due(begun), b = rate_due(begun) < until ? rate_due(begun) : 1e18;
    return a < b ? a : b;
}

static int is_over(double until) {
    uint64_t sent = fan_sent;
    if (is_ack) {
        sent = 0;
        for (uint32_t i = 0; i < publisher_count; i++) sent += conns[i].sent - conns[i].begin;
    }
    if (done < sent && now() >= until + patience) {
        unfinished = sent - done, ended = now();
        return 1;
    }
    return done == sent && (sent == count || now() >= until) && caught_up == catcher_count;
}

static void set_timer(int timer, double at) {
    double ahead = at - now();
    if (ahead > 0.05) ahead = 0.05; /* also for the end of the time */
    if (ahead < 1e-6) ahead = 1e-6;
    struct itimerspec spec = {{0, 0}, {0, (long)(ahead * 1e9)}};
    timerfd_settime(timer, 0, &spec, NULL);
}

static void serve(double begun, int timer) {
    struct epoll_event events[EVENTS];
    double until = begun + seconds;
    for (;;) {
        set_timer(timer, send_due(begun, until));
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        double at = now();
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c) continue; /* the timer, which is set again below */
            if (events[i].events & EPOLLOUT) flush(c);
            if (events[i].events & ~EPOLLOUT) take(c);
            if (is_ack) top_up_answers(c, now(), until);
        }
        if (!is_ack && !is_rate) top_up_fan(now(), until);
        if (is_over(until)) return;
        if (at - last_progress > STALLED_SECONDS) fail("nothing comes any more", 5);
    }
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double share(double s) {
    return wait_count ? waits[(uint64_t)(s * (wait_count - 1))] : 0;
}

static double processor_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv) {
    epoll_fd = epoll_create1(0);
    read_arguments(argc, argv);
    prepare();
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {EPOLLIN | EPOLLET, {.ptr = NULL}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer, &e);
    double cpu = processor_seconds(), begun = last_progress = ended = now();
    for (uint32_t i = 0; i < kick.count; i++) post(&conns[kick.index[2 * i]], &kick, i, i + 1);
    if (is_ack)
        for (uint32_t i = 0; i < publisher_count; i++) top_up_answers(&conns[i], begun, begun + seconds);
    else if (!is_rate)
        top_up_fan(begun, begun + seconds);
    serve(begun, timer);
    double spent = processor_seconds() - cpu, wall = now() - begun;
    if (deliveries_log && fclose(deliveries_log)) fail("log", 2);
    qsort(waits, wait_count, sizeof *waits, by_size);
    printf("{\"seconds\": %.6f, \"cpu_share\": %.4f, \"messages\": %u, \"deliveries\": %lu, "
           "\"bytes\": %lu, \"reads\": %lu, \"p50\": %.6f, \"p99\": %.6f, \"max\": %.6f, "
           "\"caught_up_seconds\": %.6f, \"side\": %u, \"unfinished\": %u}\n",
           ended - begun, spent / wall, done, deliveries, bytes, reads, share(0.5), share(0.99),
           share(1.0), catcher_count ? caught_up_at - begun : 0, side_sent, unfinished);
    return 0;
}
