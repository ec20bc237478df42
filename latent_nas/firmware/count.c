/* Counts the basic blocks that an emulated firmware runs, per operator, and looks for accesses that fault on a chip;
   called by unicorn at every block and every instruction. */
#include <stdint.h>

typedef struct {
    uint64_t base, slots;  /* code begins at base; a slot is two bytes of it */
    uint64_t current;      /* operator that runs; 0: none */
    uint64_t end;          /* slot behind the block that ran last */
    uint64_t *last;        /* in passed: the block that ran last; 0: none */
    const uint16_t *enter; /* per slot: operator that begins there, counted from 1; 0: none */
    uint64_t *counts;      /* (operators + 1, slots) */
    uint64_t *passed;      /* (operators + 1, slots): blocks after which the next one lay right behind */
    uint32_t *bytes;       /* per slot: size of the block that begins there */
} counter;

void on_block(void *uc, uint64_t address, uint32_t size, void *state)
{
    counter *c = state;
    uint64_t slot = (address - c->base) >> 1, place;
    (void)uc;
    if (slot >= c->slots)
        return;
    if (c->last && slot == c->end)
        ++*c->last;
    if (c->enter[slot])
        c->current = c->enter[slot];
    place = c->current * c->slots + slot;
    c->bytes[slot] = size;
    c->counts[place]++;
    c->last = c->passed + place;
    c->end = slot + (size >> 1);
}

typedef struct {
    uint64_t base, slots;
    const int32_t *registers;             /* per slot: the emulator's number of the register that holds an address */
    int (*read)(void *, int, void *);     /* a register */
    uint64_t at;                          /* the first instruction whose address was not a multiple of 4; 0: none */
    uint32_t value;                       /* that address */
} watcher;

void on_instruction(void *uc, uint64_t address, uint32_t size, void *state)
{
    watcher *w = state;
    uint64_t slot = (address - w->base) >> 1;
    uint32_t value = 0;
    (void)size;
    if (slot >= w->slots || !w->registers[slot] || w->at)
        return;
    w->read(uc, w->registers[slot], &value);
    if (value & 3) {
        w->at = address;
        w->value = value;
    }
}
