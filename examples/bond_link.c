/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several links as one, on the public link API alone: each flow goes by one of them, chosen by a
 * hash of its addresses and ports, so that its packets keep their order; what comes by any of them
 * goes up. Two stacks are joined by two wires here, and eight flows spread over both.
 *
 * A link that is full keeps what is for it in a queue of the bond's; while one does, the bond is
 * blocked, so that the NIC's queue holds the rest and pushes back.
 */
#include <nicstack/host.h>
#include <nicstack/socket.h>
#include <stdio.h>
#include <string.h>

#define WIRES 2
#define FLOWS 8

struct bond;

/* The upper end of one of the links below. */
struct wire {
    struct nst_link_upper upper; /* first */
    struct bond *bond;
    struct nst_link *link;
    struct nst_pktq out;
    uint64_t sent;
};

struct bond {
    struct nst_link link; /* first: towards the NIC */
    struct wire wires[WIRES];
};

/* ---- Choosing ---- */

/* FNV-1a, which is good enough where nobody chooses addresses to do harm. */
static uint32_t hash(uint32_t h, const uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        h = (h ^ data[i]) * 16777619;
    return h;
}

/* Of an IP packet: its addresses, and the ports if it is a whole one of TCP or UDP. */
static uint32_t flow_of(const struct nst_pkt *p)
{
    const uint8_t *ip = p->data;
    const uint32_t basis = 2166136261;
    if (p->linear >= 40 && ip[0] >> 4 == 6) {
        const uint32_t h = hash(basis, ip + 8, 32);
        return (ip[6] == 6 || ip[6] == 17) && p->linear >= 44 ? hash(h, ip + 40, 4) : h;
    }
    if (p->linear < 20)
        return 0;
    const uint32_t header = (uint32_t)(ip[0] & 15) * 4, h = hash(basis, ip + 12, 8);
    const bool is_whole = (ip[6] & 0x3f) == 0 && ip[7] == 0;
    if (!is_whole || (ip[9] != 6 && ip[9] != 17) || p->linear < header + 4)
        return h;
    return hash(h, ip + header, 4);
}

/* ---- Outbound ---- */

/* Lets each link take of its queue, and blocks the bond while one is left with some. */
static void send(struct bond *bond)
{
    bool is_blocked = false;
    for (int i = 0; i < WIRES; i++) {
        struct wire *wire = &bond->wires[i];
        if (!nst_pktq_is_empty(&wire->out) && !wire->link->tx_blocked) {
            const uint32_t count = wire->out.count;
            wire->link->ops->transmit(wire->link, &wire->out);
            wire->sent += count - wire->out.count;
        }
        is_blocked = is_blocked || !nst_pktq_is_empty(&wire->out);
    }
    if (is_blocked)
        bond->link.tx_blocked = true;
    else if (bond->link.tx_blocked)
        nst_link_set_writable(&bond->link);
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct bond *bond = (struct bond *)link;
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        const uint32_t h = flow_of(p);
        nst_pktq_push(&bond->wires[(h ^ h >> 16) % WIRES].out, p);
    }
    send(bond);
}

static void writable(struct nst_link_upper *upper)
{
    send(((struct wire *)upper)->bond);
}

/* ---- Inbound, and the rest ---- */

static void deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_link_deliver(&((struct wire *)upper)->bond->link, q);
}

static void attach(struct nst_link *link)
{
    struct bond *bond = (struct bond *)link;
    for (int i = 0; i < WIRES; i++) {
        struct wire *wire = &bond->wires[i];
        wire->link->upper = &wire->upper;
        wire->link->pool = link->pool;
        if (wire->link->ops->attach != NULL)
            wire->link->ops->attach(wire->link);
    }
}

static void detach(struct nst_link *link)
{
    struct bond *bond = (struct bond *)link;
    struct nst_pkt *p;
    for (int i = 0; i < WIRES; i++) {
        struct wire *wire = &bond->wires[i];
        if (wire->link->ops->detach != NULL)
            wire->link->ops->detach(wire->link);
        wire->link->upper = NULL;
        wire->link->pool = NULL;
        while ((p = nst_pktq_pop(&wire->out)) != NULL)
            nst_pkt_free(p);
    }
}

static void run(struct nst_link *link, nst_time now)
{
    struct bond *bond = (struct bond *)link;
    for (int i = 0; i < WIRES; i++)
        if (bond->wires[i].link->ops->run != NULL)
            bond->wires[i].link->ops->run(bond->wires[i].link, now);
}

static nst_time next_deadline(struct nst_link *link)
{
    struct bond *bond = (struct bond *)link;
    nst_time next = NST_TIME_NEVER;
    for (int i = 0; i < WIRES; i++) {
        struct nst_link *wire = bond->wires[i].link;
        const nst_time due =
            wire->ops->next_deadline != NULL ? wire->ops->next_deadline(wire) : NST_TIME_NEVER;
        next = due < next ? due : next;
    }
    return next;
}

/* The wires carry bare IP. */
static const struct nst_link_ops bond_ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
    .attach = attach,
    .detach = detach,
    .run = run,
    .next_deadline = next_deadline,
};

/* It can do what every wire can: they are alike here. */
static void bond_init(struct bond *bond, struct nst_link *wires[WIRES])
{
    *bond = (struct bond){.link = {.ops = &bond_ops,
                                   .caps = wires[0]->caps,
                                   .mtu = wires[0]->mtu,
                                   .max_header = wires[0]->max_header,
                                   .gso_max = wires[0]->gso_max}};
    for (int i = 0; i < WIRES; i++)
        bond->wires[i] = (struct wire){
            .upper = {.deliver = deliver, .writable = writable}, .bond = bond, .link = wires[i]};
}

/* ---- Two hosts ---- */

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

/* FLOWS sockets send a hundred numbers each; true if each number came, in order within its flow. */
static bool converse(struct nst_stack *from, struct nst_stack *to)
{
    const struct nst_endpoint server = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 9};
    nst_socket receiver, senders[FLOWS];
    unsigned next[FLOWS] = {0}, got = 0;
    if (nst_socket_open(to, NST_DATAGRAM, &receiver) < 0 ||
        nst_socket_bind(to, receiver, &server) < 0)
        return false;
    for (int i = 0; i < FLOWS; i++) {
        const struct nst_endpoint local = {.port = (uint16_t)(5000 + i)};
        if (nst_socket_open(from, NST_DATAGRAM, &senders[i]) < 0 ||
            nst_socket_bind(from, senders[i], &local) < 0)
            return false;
    }
    for (unsigned n = 0; n < 100; n++) {
        for (int i = 0; i < FLOWS; i++)
            nst_socket_sendto(from, senders[i], &n, sizeof(n), 0, &server);
        for (int turn = 0; turn < 4; turn++) {
            nst_stack_run(from, nst_host_now(), 0);
            nst_stack_run(to, nst_host_now(), 0);
        }
        struct nst_message message;
        unsigned number;
        while (nst_socket_recvfrom(to, receiver, &number, sizeof(number), 0, &message) ==
               sizeof(number)) {
            const unsigned flow = message.remote.port - 5000u;
            got += flow < FLOWS && number == next[flow]++;
        }
    }
    return got == FLOWS * 100;
}

int main(void)
{
    const struct nst_pipe_config config = {.size = sizeof(config)};
    struct nst_link *ends[WIRES][2], *near[WIRES], *far[WIRES];
    struct bond bonds[2];
    for (int i = 0; i < WIRES; i++) {
        if (nst_pipe_new(nst_host_allocator(), &config, ends[i]) < 0)
            return 1;
        near[i] = ends[i][0];
        far[i] = ends[i][1];
    }
    bond_init(&bonds[0], near);
    bond_init(&bonds[1], far);
    struct nst_stack *from = make_stack(&bonds[0].link, 1), *to = make_stack(&bonds[1].link, 2);
    bool ok = from != NULL && to != NULL && converse(from, to);
    printf("%s; %llu packets by one wire, %llu by the other\n",
           ok ? "all numbers came in order" : "not all numbers came in order",
           (unsigned long long)bonds[0].wires[0].sent, (unsigned long long)bonds[0].wires[1].sent);
    ok = ok && bonds[0].wires[0].sent > 0 && bonds[0].wires[1].sent > 0;
    nst_stack_free(from);
    nst_stack_free(to);
    for (int i = 0; i < WIRES; i++)
        nst_pipe_free(ends[i]);
    return ok ? 0 : 1;
}
