/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One link for several NICs, on the public link API alone. Each NIC has a link and a link address
 * of its own; a frame that comes goes to the one that it is addressed to, and to all of them if it
 * is for a group. Here a host with two NICs hangs on one wire, and answers for both.
 *
 * The lower link belongs to all: it is attached with the first NIC and detached with the last, and
 * whoever was attached first runs it. All NICs are of one stack, whose pool the packets are from.
 */
#include <nicstack/host.h>
#include <nicstack/socket.h>
#include <stdio.h>
#include <string.h>

#define LINKS 2

struct mux;

struct mux_link {
    struct nst_link link; /* first */
    struct mux *mux;
    bool is_attached;
    uint64_t received;
};

struct mux {
    struct nst_link_upper upper; /* first: of the lower link */
    struct nst_link *lower;
    struct mux_link links[LINKS];
};

/* ---- Inbound ---- */

static void give(struct mux_link *to, struct nst_pkt *p)
{
    struct nst_pktq one = {0};
    nst_pktq_push(&one, p);
    to->received++;
    nst_link_deliver(&to->link, &one);
}

static void deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct mux *mux = (struct mux *)upper;
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        const bool is_group = p->linear >= 6 && (p->data[0] & 1) != 0;
        for (int i = 0; i < LINKS && p != NULL; i++) {
            struct mux_link *to = &mux->links[i];
            if (is_group) {
                struct nst_pkt *copy = nst_pkt_clone(p);
                if (copy != NULL)
                    give(to, copy);
            } else if (p->linear >= 6 && memcmp(p->data, to->link.addr.b, 6) == 0) {
                give(to, p);
                p = NULL;
            }
        }
        if (p != NULL)
            nst_pkt_free(p); /* a frame for a group, or for nobody here */
    }
}

/* ---- Outbound ---- */

static struct nst_link *lower_of(struct nst_link *link)
{
    return ((struct mux_link *)link)->mux->lower;
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct nst_link *lower = lower_of(link);
    if (!lower->tx_blocked) /* it may be another NIC that filled it */
        lower->ops->transmit(lower, q);
    link->tx_blocked = lower->tx_blocked;
}

static void writable(struct nst_link_upper *upper)
{
    struct mux *mux = (struct mux *)upper;
    for (int i = 0; i < LINKS; i++)
        if (mux->links[i].link.tx_blocked)
            nst_link_set_writable(&mux->links[i].link);
}

/* ---- The rest ---- */

static bool parse_header(struct nst_link *link, struct nst_pkt *p,
                         struct nst_link_header *ret_header)
{
    return lower_of(link)->ops->parse_header(lower_of(link), p, ret_header);
}

static void push_header(struct nst_link *link, struct nst_pkt *p,
                        const struct nst_link_header *header)
{
    lower_of(link)->ops->push_header(lower_of(link), p, header);
}

/* The first that is attached; NULL: none is. */
static struct mux_link *first_of(struct mux *mux)
{
    for (int i = 0; i < LINKS; i++)
        if (mux->links[i].is_attached)
            return &mux->links[i];
    return NULL;
}

static void attach(struct nst_link *link)
{
    struct mux_link *own = (struct mux_link *)link;
    struct nst_link *lower = own->mux->lower;
    const bool is_first = first_of(own->mux) == NULL;
    own->is_attached = true;
    if (!is_first)
        return;
    lower->upper = &own->mux->upper;
    lower->pool = link->pool;
    if (lower->ops->attach != NULL)
        lower->ops->attach(lower);
}

static void detach(struct nst_link *link)
{
    struct mux_link *own = (struct mux_link *)link;
    struct nst_link *lower = own->mux->lower;
    own->is_attached = false;
    if (first_of(own->mux) != NULL)
        return;
    if (lower->ops->detach != NULL)
        lower->ops->detach(lower);
    lower->upper = NULL;
    lower->pool = NULL;
}

static void run(struct nst_link *link, nst_time now)
{
    struct mux_link *own = (struct mux_link *)link;
    if (first_of(own->mux) == own && lower_of(link)->ops->run != NULL)
        lower_of(link)->ops->run(lower_of(link), now);
}

static nst_time next_deadline(struct nst_link *link)
{
    const struct nst_link *lower = lower_of(link);
    return lower->ops->next_deadline != NULL ? lower->ops->next_deadline(lower_of(link))
                                             : NST_TIME_NEVER;
}

static const struct nst_link_ops mux_ops = {
    .transmit = transmit,
    .parse_header = parse_header,
    .push_header = push_header,
    .attach = attach,
    .detach = detach,
    .run = run,
    .next_deadline = next_deadline,
};

static void mux_init(struct mux *mux, struct nst_link *lower)
{
    *mux = (struct mux){.upper = {.deliver = deliver, .writable = writable}, .lower = lower};
    for (int i = 0; i < LINKS; i++)
        mux->links[i] = (struct mux_link){
            .link = {.ops = &mux_ops,
                     .caps = lower->caps,
                     .mtu = lower->mtu,
                     .max_header = lower->max_header,
                     .gso_max = lower->gso_max,
                     .addr = {{0x02, 0, 0, 0, 1, (uint8_t)i}}},
            .mux = mux,
        };
}

/* ---- Two hosts, one of them with two NICs ---- */

static struct nst_stack *make_stack(void)
{
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    struct nst_stack *stack;
    return nst_host_seed(config.seed) == 0 && nst_stack_new(&config, &stack) == 0 ? stack : NULL;
}

/* A NIC over `link` with the address 10.0.0.`host`. */
static bool add_nic(struct nst_stack *stack, struct nst_link *link, uint8_t host)
{
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    uint32_t id;
    return nst_nic_add(stack, &nic, &id) == 0 && nst_nic_addr_add(stack, id, &addr) == 0;
}

/* Pings 10.0.0.`host`; is it answered? */
static bool ping(struct nst_stack *from, struct nst_stack *other, uint8_t host)
{
    const struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, 0, host)};
    const uint8_t request[16] = {8};
    uint8_t reply[16];
    const nst_time limit = nst_host_now() + 5 * NST_SEC;
    nst_socket socket;
    int64_t n = -NST_EAGAIN;
    if (nst_socket_open(from, NST_PING, &socket) < 0 ||
        nst_socket_sendto(from, socket, request, sizeof(request), 0, &to) < 0)
        return false;
    while (n == -NST_EAGAIN && nst_host_now() < limit) {
        nst_stack_run(from, nst_host_now(), 0);
        nst_stack_run(other, nst_host_now(), 0);
        n = nst_socket_recv(from, socket, reply, sizeof(reply), 0);
    }
    nst_socket_close(from, socket);
    return n == sizeof(reply) && reply[0] == 0;
}

int main(void)
{
    const struct nst_pipe_config config = {
        .size = sizeof(config),
        .ethernet = true,
        .addr = {{{0x02, 0, 0, 0, 0, 1}}, {{0x02, 0, 0, 0, 0, 2}}},
    };
    struct nst_link *ends[2];
    struct mux mux;
    bool ok = false;
    if (nst_pipe_new(nst_host_allocator(), &config, ends) < 0)
        return 1;
    mux_init(&mux, ends[1]);
    struct nst_stack *host = make_stack(), *two = make_stack();
    if (host != NULL && two != NULL && add_nic(host, ends[0], 1) &&
        add_nic(two, &mux.links[0].link, 2) && add_nic(two, &mux.links[1].link, 3))
        ok = ping(host, two, 2) && ping(host, two, 3);
    printf("%s; %llu and %llu frames were for the two NICs\n",
           ok ? "both answer" : "not both answer", (unsigned long long)mux.links[0].received,
           (unsigned long long)mux.links[1].received);
    ok = ok && mux.links[0].received >= 2 && mux.links[1].received >= 2;
    nst_stack_free(host);
    nst_stack_free(two);
    nst_pipe_free(ends);
    return ok ? 0 : 1;
}
