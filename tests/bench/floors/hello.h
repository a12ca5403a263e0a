// "HELLO X\n" to a number and back, for peers that trust each other: a message arrives whole.
#ifndef HANDSHAKE_TESTS_BENCH_FLOORS_HELLO_H_
#define HANDSHAKE_TESTS_BENCH_FLOORS_HELLO_H_

#include <stdint.h>
#include <string.h>

enum { kHelloBytes = 32 };  // "HELLO ", at most 19 digits, LF

// Returns X, or -1 if it is no whole message.
static inline int64_t hello_read(const char* text, int64_t size) {
  if (size < 8 || memcmp(text, "HELLO ", 6) != 0 || text[size - 1] != '\n') return -1;
  int64_t x = 0;
  for (int64_t i = 6; i < size - 1; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    x = x * 10 + (text[i] - '0');
  }
  return x;
}

// Writes the message of X >= 0; returns its size.
static inline int hello_write(char text[kHelloBytes], int64_t x) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + x % 10);
    x /= 10;
  } while (x > 0);
  memcpy(text, "HELLO ", 6);
  int size = 6;
  while (count > 0) text[size++] = digits[--count];
  text[size++] = '\n';
  return size;
}

#endif  // HANDSHAKE_TESTS_BENCH_FLOORS_HELLO_H_
