/* The measure of all: posix_spawn and wait of one program, in parallel loops. */
#ifndef ORCH_BARE_H
#define ORCH_BARE_H

/* Runs `count` times `program` in `loops` processes at a time; runs a second. Ends the program with a sentence on failure. */
double bare_loops(const char *program, unsigned count, unsigned loops);

#endif
