/* What -DBENCH measures: the operators in their order, each with the beginning of its line of CSV. */
#ifndef NN_BENCH_H
#define NN_BENCH_H
#include <stdint.h>

typedef struct {
    void (*run)(void);
    const char *row;
} bench_operator;

extern const bench_operator bench_table[];
extern uint32_t bench_cycles[];
extern const uint32_t bench_operators, bench_outputs;
extern const char bench_header[];
#endif
