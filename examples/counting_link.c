/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link of your own, on the public link API alone. Two stacks are joined by the library's pipe; in
 * front of one end sits middleware that counts what passes and eats every n-th packet that is sent.
 * 64 KiB go from one stack to the other all the same, because TCP sends again what was eaten.
 *
 * Middleware is a link towards the NIC (struct nst_link) and the upper end of another link at once
 * (struct nst_link_upper). What it may rely on is in nicstack/link.h: all calls come on the stack's
 * thread, queues change hands whole, and nothing here calls the stack.
 */
#include <nicstack/host.h>
#include <stdio.h>
#include <string.h>

struct counting {
    struct nst_link link; /* towards the NIC; first, so that a link is its counting */
    struct nst_link_upper upper;
    struct nst_link *lower;
    uint64_t sent, received, eaten;
    uint64_t eat_every; /* 0: none */
};

static struct counting *of_upper(struct nst_link_upper *upper)
{
    return (struct counting *)(void *)((char *)upper - offsetof(struct counting, upper));
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct counting *c = (struct counting *)link;
    struct nst_pktq kept = {0};
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        c->sent++;
        if (c->eat_every != 0 && c->sent % c->eat_every == 0) {
            c->eaten++;
            nst_pkt_free(p);
        } else {
            nst_pktq_push(&kept, p);
        }
    }
    c->lower->ops->transmit(c->lower, &kept);
    /* What the lower link did not take goes back, in order, and waits with the NIC. */
    nst_pktq_splice(q, &kept);
    link->tx_blocked = c->lower->tx_blocked;
}

static bool parse_header(struct nst_link *link, struct nst_pkt *p,
                         struct nst_link_header *ret_header)
{
    struct nst_link *lower = ((struct counting *)link)->lower;
    return lower->ops->parse_header(lower, p, ret_header);
}

static void push_header(struct nst_link *link, struct nst_pkt *p,
                        const struct nst_link_header *header)
{
    struct nst_link *lower = ((struct counting *)link)->lower;
    lower->ops->push_header(lower, p, header);
}

/* The NIC has attached us: so we attach to what is below. */
static void attach(struct nst_link *link)
{
    struct counting *c = (struct counting *)link;
    c->lower->upper = &c->upper;
    c->lower->pool = link->pool;
    if (c->lower->ops->attach != NULL)
        c->lower->ops->attach(c->lower);
}

static void detach(struct nst_link *link)
{
    struct nst_link *lower = ((struct counting *)link)->lower;
    if (lower->ops->detach != NULL)
        lower->ops->detach(lower);
    lower->upper = NULL;
    lower->pool = NULL;
}

static void run(struct nst_link *link, nst_time now)
{
    struct nst_link *lower = ((struct counting *)link)->lower;
    if (lower->ops->run != NULL)
        lower->ops->run(lower, now);
}

static nst_time next_deadline(struct nst_link *link)
{
    struct nst_link *lower = ((struct counting *)link)->lower;
    return lower->ops->next_deadline != NULL ? lower->ops->next_deadline(lower) : NST_TIME_NEVER;
}

static void deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct counting *c = of_upper(upper);
    c->received += q->count;
    nst_link_deliver(&c->link, q);
}

static void writable(struct nst_link_upper *upper)
{
    nst_link_set_writable(&of_upper(upper)->link);
}

static const struct nst_link_ops counting_ops = {
    .transmit = transmit,
    .parse_header = parse_header,
    .push_header = push_header,
    .attach = attach,
    .detach = detach,
    .run = run,
    .next_deadline = next_deadline,
};

static void counting_init(struct counting *c, struct nst_link *lower, uint64_t eat_every)
{
    *c = (struct counting){
        .link = {.ops = &counting_ops,
                 .caps = lower->caps,
                 .mtu = lower->mtu,
                 .max_header = lower->max_header,
                 .gso_max = lower->gso_max,
                 .addr = lower->addr},
        .upper = {.deliver = deliver, .writable = writable},
        .lower = lower,
        .eat_every = eat_every,
    };
}

/* A stack with one NIC over `link`, which has the address 10.0.0.`host`. */
static struct nst_stack *make_stack(struct nst_link *link, uint8_t host)
{
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    struct nst_stack *stack;
    uint32_t id;
    if (nst_host_seed(config.seed) < 0 || nst_stack_new(&config, &stack) < 0)
        return NULL;
    if (nst_nic_add(stack, &nic, &id) == 0 && nst_nic_addr_add(stack, id, &addr) == 0)
        return stack;
    nst_stack_free(stack);
    return NULL;
}

/* Sends 64 KiB from one stack to the other; returns how many bytes arrived as they should. */
static size_t converse(struct nst_stack *from, struct nst_stack *to)
{
    static uint8_t data[65536], got[65536];
    const struct nst_endpoint server = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 9};
    const nst_time limit = nst_host_now() + 10 * NST_SEC;
    nst_socket listener, client, peer = 0;
    size_t sent = 0, received = 0;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    if (nst_socket_open(to, NST_STREAM, &listener) < 0 ||
        nst_socket_bind(to, listener, &server) < 0 || nst_socket_listen(to, listener, 1) < 0 ||
        nst_socket_open(from, NST_STREAM, &client) < 0)
        return 0;
    nst_socket_connect(from, client, &server);
    while (received < sizeof(got) && nst_host_now() < limit) {
        int64_t n = nst_socket_send(from, client, data + sent, sizeof(data) - sent, 0);
        if (n > 0)
            sent += (size_t)n;
        nst_stack_run(from, nst_host_now(), 0);
        nst_stack_run(to, nst_host_now(), 0);
        if (peer == 0 && nst_socket_accept(to, listener, &peer, NULL) < 0)
            continue;
        n = nst_socket_recv(to, peer, got + received, sizeof(got) - received, 0);
        if (n > 0)
            received += (size_t)n;
    }
    return memcmp(data, got, sizeof(got)) == 0 ? received : 0;
}

int main(void)
{
    const struct nst_pipe_config config = {.size = sizeof(config)};
    struct nst_link *ends[2];
    struct counting counting;
    if (nst_pipe_new(nst_host_allocator(), &config, ends) < 0)
        return 1;
    counting_init(&counting, ends[0], 7);
    struct nst_stack *from = make_stack(&counting.link, 1), *to = make_stack(ends[1], 2);
    size_t arrived = from != NULL && to != NULL ? converse(from, to) : 0;
    printf("%zu bytes arrived; %llu packets sent, %llu of them eaten, %llu received\n", arrived,
           (unsigned long long)counting.sent, (unsigned long long)counting.eaten,
           (unsigned long long)counting.received);
    nst_stack_free(from);
    nst_stack_free(to);
    nst_pipe_free(ends);
    return arrived == 65536 && counting.eaten > 0 ? 0 : 1;
}
