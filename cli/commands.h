/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of nst, one a file: each is a main() of its own and gives the exit status. */
#ifndef NICSTACK_CLI_COMMANDS_H
#define NICSTACK_CLI_COMMANDS_H

int command_capture(int argc, char **argv);
int command_doctor(int argc, char **argv);
/* nst nic, addr, route, neigh, stats, bridge, vlan */
int command_order(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_run(int argc, char **argv);
int command_sim(int argc, char **argv);
int command_test(int argc, char **argv);
int command_up(int argc, char **argv);

#endif
