// Compute kernels for the metering benchmark. Each export takes how often it
// repeats its work and returns a checksum. Freestanding; build with
//
//   clang --target=wasm32 -O2 -mbulk-memory -nostdlib -Wl,--no-entry -o kernels.wasm kernels.c

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
#define KERNEL(name) __attribute__((export_name(#name))) u32 name(u32 n)
#define NOINLINE __attribute__((noinline))

static u32 seed;
static u32 rnd(void) { return seed = seed * 1664525u + 1013904223u; }

// Sorting: recursive quicksort with insertion sort, the comparison inlined.
static u32 keys[4096];
static NOINLINE void quick(u32 *a, int lo, int hi) {
  while (hi - lo > 12) {
    u32 p = a[(lo + hi) / 2];
    int i = lo, j = hi;
    while (i <= j) {
      while (a[i] < p) i++;
      while (a[j] > p) j--;
      if (i <= j) { u32 t = a[i]; a[i] = a[j]; a[j] = t; i++; j--; }
    }
    if (j - lo < hi - i) { quick(a, lo, j); lo = i; } else { quick(a, i, hi); hi = j; }
  }
  for (int i = lo + 1; i <= hi; i++) {
    u32 v = a[i]; int j = i;
    while (j > lo && a[j - 1] > v) { a[j] = a[j - 1]; j--; }
    a[j] = v;
  }
}
KERNEL(sort) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    seed = r + 1;
    for (int i = 0; i < 4096; i++) keys[i] = rnd();
    quick(keys, 0, 4095);
    s += keys[r & 4095];
  }
  return s;
}

// Heap sort through a comparison function: indirect calls in the inner loop.
typedef int (*compare)(u32, u32);
static int ascending(u32 a, u32 b) { return a < b; }
static int descending(u32 a, u32 b) { return a > b; }
static compare volatile chosen[2] = {ascending, descending};
static NOINLINE void sift(u32 *a, int i, int n, compare less) {
  for (;;) {
    int c = 2 * i + 1;
    if (c >= n) return;
    if (c + 1 < n && less(a[c], a[c + 1])) c++;
    if (!less(a[i], a[c])) return;
    u32 t = a[i]; a[i] = a[c]; a[c] = t;
    i = c;
  }
}
KERNEL(heapsort) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    seed = r + 1;
    compare less = chosen[r & 1];
    for (int i = 0; i < 2048; i++) keys[i] = rnd();
    for (int i = 1023; i >= 0; i--) sift(keys, i, 2048, less);
    for (int i = 2047; i > 0; i--) { u32 t = keys[0]; keys[0] = keys[i]; keys[i] = t; sift(keys, 0, i, less); }
    s += keys[r & 2047];
  }
  return s;
}

static const u32 K256[64] = {
  0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,
  0xd807aa98,0x12835b01,0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,
  0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,
  0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,0x06ca6351,0x14292967,
  0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,
  0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,
  0x19a4c116,0x1e376c08,0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,
  0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2};
#define ROR(x, k) ((x) >> (k) | (x) << (32 - (k)))
static NOINLINE void sha_block(u32 *h, const u8 *p) {
  u32 w[64];
  for (int i = 0; i < 16; i++) w[i] = (u32)p[4*i] << 24 | p[4*i+1] << 16 | p[4*i+2] << 8 | p[4*i+3];
  for (int i = 16; i < 64; i++) {
    u32 a = w[i-15], b = w[i-2];
    w[i] = w[i-16] + w[i-7] + (ROR(a,7) ^ ROR(a,18) ^ a >> 3) + (ROR(b,17) ^ ROR(b,19) ^ b >> 10);
  }
  u32 a=h[0],b=h[1],c=h[2],d=h[3],e=h[4],f=h[5],g=h[6],k=h[7];
  for (int i = 0; i < 64; i++) {
    u32 t1 = k + (ROR(e,6)^ROR(e,11)^ROR(e,25)) + ((e&f)^(~e&g)) + K256[i] + w[i];
    u32 t2 = (ROR(a,2)^ROR(a,13)^ROR(a,22)) + ((a&b)^(a&c)^(b&c));
    k=g; g=f; f=e; e=d+t1; d=c; c=b; b=a; a=t1+t2;
  }
  h[0]+=a;h[1]+=b;h[2]+=c;h[3]+=d;h[4]+=e;h[5]+=f;h[6]+=g;h[7]+=k;
}
static u8 text[16384];
KERNEL(sha256) {
  u32 h[8] = {0x6a09e667,0xbb67ae85,0x3c6ef372,0xa54ff53a,0x510e527f,0x9b05688c,0x1f83d9ab,0x5be0cd19};
  for (u32 r = 0; r < n; r++) for (int i = 0; i < 4096; i += 64) sha_block(h, text + i);
  return h[0];
}

static u32 table[256];
KERNEL(crc32) {
  for (u32 i = 0; i < 256; i++) { u32 c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1; table[i] = c; }
  u32 c = ~0u;
  for (u32 r = 0; r < n; r++) for (int i = 0; i < 16384; i++) c = table[(c ^ text[i]) & 255] ^ c >> 8;
  return ~c;
}

#define N 64
static double A[N][N], B[N][N], C[N][N];
KERNEL(matrix) {
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) { A[i][j] = i + j; B[i][j] = i - j; }
  for (u32 r = 0; r < n; r++)
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) {
      double s = 0;
      for (int k = 0; k < N; k++) s += A[i][k] * B[k][j];
      C[i][j] = s;
    }
  return (u32)(int)C[3][5];
}

KERNEL(mandelbrot) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++)
    for (int py = 0; py < 48; py++) for (int px = 0; px < 48; px++) {
      double cx = px / 24.0 - 1.5, cy = py / 24.0 - 1, x = 0, y = 0;
      int i = 0;
      while (i < 100 && x * x + y * y < 4) { double t = x * x - y * y + cx; y = 2 * x * y + cy; x = t; i++; }
      s += i;
    }
  return s;
}

static double pos[5][3], vel[5][3], mass[5];
KERNEL(nbody) {
  for (int i = 0; i < 5; i++) { mass[i] = 1 + i; for (int k = 0; k < 3; k++) { pos[i][k] = i * 3 + k; vel[i][k] = k - i * 0.1; } }
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < 5; i++) for (int j = i + 1; j < 5; j++) {
      double d[3], q = 0.01;
      for (int k = 0; k < 3; k++) { d[k] = pos[i][k] - pos[j][k]; q += d[k] * d[k]; }
      double m = 0.001 / (q * __builtin_sqrt(q));
      for (int k = 0; k < 3; k++) { vel[i][k] -= d[k] * mass[j] * m; vel[j][k] += d[k] * mass[i] * m; }
    }
    for (int i = 0; i < 5; i++) for (int k = 0; k < 3; k++) pos[i][k] += 0.001 * vel[i][k];
  }
  return (u32)(int)(pos[0][0] * 1000);
}

static u8 composite[65536];
KERNEL(sieve) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < 65536; i++) composite[i] = 0;
    for (int i = 2; i < 256; i++) if (!composite[i]) for (int j = i * i; j < 65536; j += i) composite[j] = 1;
    for (int i = 2; i < 65536; i++) s += !composite[i];
  }
  return s;
}

static NOINLINE u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static volatile u32 size; // keeps the compiler from computing the result itself
KERNEL(fib) { u32 s = 0; size = 20; for (u32 r = 0; r < n; r++) s += fibonacci(size); return s; }

static NOINLINE u32 ackermann(u32 m, u32 n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
KERNEL(ack) { u32 s = 0; size = 60; for (u32 r = 0; r < n; r++) s += ackermann(2, size); return s; }

// Eight queens: recursion with a loop in it.
static int place(u32 all, u32 cols, u32 left, u32 right) {
  if (cols == all) return 1;
  int s = 0;
  for (u32 free = all & ~(cols | left | right); free;) {
    u32 bit = free & -free; free -= bit;
    s += place(all, cols | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return s;
}
KERNEL(queens) { u32 s = 0; size = 255; for (u32 r = 0; r < n; r++) s += place(size, 0, 0, 0); return s; }

// Strings: append decimal numbers to a buffer through small functions.
static NOINLINE u32 length(const u8 *p) { u32 n = 0; while (p[n]) n++; return n; }
static NOINLINE u8 *append(u8 *to, const u8 *p, u32 n) { while (n--) *to++ = *p++; return to; }
static NOINLINE u8 *decimal(u8 *to, u32 v) { u8 b[10]; int i = 10; do b[--i] = '0' + v % 10; while (v /= 10); return append(to, b + i, 10 - i); }
static u8 *copied(u8 *to, const char *p) { return append(to, (const u8 *)p, length((const u8 *)p)); }
static u8 buffer[65536];
KERNEL(strings) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    u8 *p = buffer;
    for (u32 i = 0; i < 1000; i++) {
      const u8 *w = (const u8 *)(i & 1 ? "item " : "element number ");
      p = append(p, w, length(w));
      p = decimal(p, i * 7919);
      *p++ = '\n';
    }
    s += p - buffer + buffer[r & 4095];
  }
  return s;
}

// JSON: write a document, then parse it by recursive descent.
static u8 doc[8192];
static const u8 *at;
static u32 sum;
static NOINLINE int value(int depth) {
  while (*at == ' ' || *at == '\n') at++;
  switch (*at) {
  case '{': case '[': {
    u8 end = *at++ == '{' ? '}' : ']';
    if (*at == end) { at++; return 1; }
    for (;;) {
      if (end == '}') { if (!value(depth + 1) || *at++ != ':') return 0; }
      if (!value(depth + 1)) return 0;
      while (*at == ' ') at++;
      if (*at == ',') { at++; continue; }
      return *at++ == end;
    }
  }
  case '"':
    for (at++; *at != '"'; at++) { if (!*at) return 0; if (*at == '\\') at++; sum = sum * 31 + *at; }
    at++; return 1;
  case 't': at += 4; sum++; return 1;
  case 'f': at += 5; return 1;
  case 'n': at += 4; return 1;
  default: {
    u32 v = 0; int digits = 0;
    if (*at == '-') at++;
    for (; *at >= '0' && *at <= '9'; at++, digits++) v = v * 10 + *at - '0';
    sum += v; return digits > 0;
  }
  }
}
KERNEL(json) {
  u8 *p = doc;
  *p++ = '[';
  for (u32 i = 0; i < 60; i++) {
    if (i) *p++ = ',';
    p = copied(p, "{\"id\": "); p = decimal(p, i * 12345);
    p = copied(p, ", \"name\": \"user "); p = decimal(p, i);
    p = copied(p, "\", \"tags\": [\"a\", \"bc\", true, null, [1, 2]]}");
  }
  *p++ = ']'; *p = 0;
  sum = 0;
  for (u32 r = 0; r < n; r++) { at = doc; if (!value(0)) return 0; doc[8000] = sum; __asm__ volatile("" ::: "memory"); }
  return sum;
}

// Regular expressions: the backtracking matcher of Kernighan and Pike.
static int here(const char *re, const u8 *s);
static NOINLINE int star(int c, const char *re, const u8 *s) { do if (here(re, s)) return 1; while (*s && (*s++ == c || c == '.')); return 0; }
static NOINLINE int here(const char *re, const u8 *s) {
  if (!re[0]) return 1;
  if (re[1] == '*') return star(re[0], re + 2, s);
  if (re[0] == '$' && !re[1]) return !*s;
  if (*s && (re[0] == '.' || re[0] == *s)) return here(re + 1, s + 1);
  return 0;
}
KERNEL(regex) {
  u32 s = 0;
  for (int i = 0; i < 400; i++) text[i] = "abcabdabe xyz"[i % 13];
  text[400] = 0;
  for (u32 r = 0; r < n; r++) for (const u8 *p = text; *p; p++) s += here("ab.*z", p) + here("c*x.z$", p);
  return s;
}

// A bytecode interpreter: one loop around a switch.
KERNEL(interpreter) {
  static const u8 program[] = {0,0, 1,100, 2, 3,1, 4, 5, 6,9, 7,3, 8, 9,2, 10};
  u32 acc = 0, x = 0, y = 1, count = 0;
  for (u32 r = 0; r < n; r++) {
    u32 pc = 0; count = 0;
    for (;;) switch (program[pc++]) {
      case 0: acc = program[pc++]; break;
      case 1: x = program[pc++] * 10; break;
      case 2: y ^= acc + x; break;
      case 3: acc += program[pc++]; break;
      case 4: y = y << 5 | y >> 27; break;
      case 5: acc ^= y; break;
      case 6: if (acc & 1) y += program[pc]; pc++; break;
      case 7: y *= program[pc++]; break;
      case 8: x--; break;
      case 9: { u32 to = program[pc++]; if (x && count < 5000) { count++; pc = to + 3; } break; }
      case 10: goto done;
      default: return 0;
    }
  done:;
  }
  return acc + y;
}

// Trees on a bump allocator: many small calls, pointers, recursion.
struct tree { struct tree *left, *right; u32 key; };
static struct tree pool[4096];
static u32 used;
static NOINLINE struct tree *insert(struct tree *t, u32 key) {
  if (!t) { t = &pool[used++]; t->left = t->right = 0; t->key = key; return t; }
  if (key < t->key) t->left = insert(t->left, key); else t->right = insert(t->right, key);
  return t;
}
static NOINLINE u32 total(struct tree *t) { return t ? t->key + total(t->left) + total(t->right) : 0; }
KERNEL(trees) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    struct tree *t = 0; used = 0; seed = r;
    for (int i = 0; i < 1000; i++) t = insert(t, rnd());
    s += total(t);
  }
  return s;
}

// A hash table with open addressing, and base64.
static u32 slots[4096];
KERNEL(hashmap) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < 4096; i++) slots[i] = 0;
    seed = r;
    for (int i = 0; i < 2500; i++) {
      u32 k = rnd() | 1, h = (k * 2654435769u) >> 20;
      while (slots[h] && slots[h] != k) h = (h + 1) & 4095;
      s += slots[h] == k; slots[h] = k;
    }
  }
  return s + slots[17];
}
KERNEL(base64) {
  static const u8 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    u8 *p = buffer;
    for (int i = 0; i + 2 < 16384; i += 3) {
      u32 v = text[i] << 16 | text[i+1] << 8 | text[i+2];
      *p++ = digits[v >> 18]; *p++ = digits[v >> 12 & 63]; *p++ = digits[v >> 6 & 63]; *p++ = digits[v & 63];
    }
    s += buffer[r & 16383];
  }
  return s;
}
