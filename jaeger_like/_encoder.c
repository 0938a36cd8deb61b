/* A finished span in, the bytes of its Thrift Span struct out: as an object, or at the end of those
 * that wait in a Buffer. And, before that, which tags can wait for it as they are.
 *
 * The same bytes as jaeger_like/encoding/span.py, which explains the format, in a seventh of the time.
 * Values of exactly the types str, int, float and bool are written here; whatever else a program
 * may have put into a span is left to the Python functions that are handed in by set_helpers, so
 * that there is one place that knows what an odd value becomes.
 *
 * Limited API, so that one wheel serves every Python from 3.10 up. What state there is, the helpers, is
 * the module's: each interpreter of a process has its own.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdint.h>
#include <string.h>

/* Functions of the Python encoder, and names of attributes. */
enum { PLAIN, TEXT, UTF8, REFERENCES_TEXT, HELPERS, TRACE_ID = HELPERS, FLAGS, STATES };

typedef struct {
    PyObject *at[STATES];
} State;

/* A record under construction: on the stack until it outgrows it. */
typedef struct {
    char *data;
    size_t size, capacity;
    PyObject *const *state;
    char stack[2048];
} Record;

static int grow(Record *r, size_t more)
{
    size_t capacity = r->capacity;
    char *data;
    if (more > (size_t)PY_SSIZE_T_MAX / 4 - r->size) {
        PyErr_NoMemory();
        return -1;
    }
    while (capacity - r->size < more)
        capacity *= 2;
    data = PyMem_Realloc(r->data == r->stack ? NULL : r->data, capacity);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (r->data == r->stack)
        memcpy(data, r->stack, r->size);
    r->data = data;
    r->capacity = capacity;
    return 0;
}

/* Every put function has room for at least this many bytes; only strings may need more. */
#define SMALL 32
#define ROOM(r, n) ((r)->capacity - (r)->size >= (size_t)(n) || grow((r), (n)) == 0)

static void put(Record *r, int byte) { r->data[r->size++] = (char)byte; }

static void put_varint(Record *r, uint64_t n)
{
    while (n >= 0x80) {
        put(r, (int)(n & 0x7f) | 0x80);
        n >>= 7;
    }
    put(r, (int)n);
}

static void put_zigzag(Record *r, int64_t n)
{
    put_varint(r, n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1);
}

static void put_list(Record *r, size_t size)
{
    if (size < 15) {
        put(r, (int)(size << 4) | 0x0c);
    }
    else {
        put(r, 0xfc);
        put_varint(r, size);
    }
}

static int put_bytes(Record *r, const char *data, Py_ssize_t size)
{
    if (!ROOM(r, size + SMALL))
        return -1;
    put_varint(r, (uint64_t)size);
    memcpy(r->data + r->size, data, (size_t)size);
    r->size += (size_t)size;
    return 0;
}

/* An exact str: length and UTF-8. */
static int put_str(Record *r, PyObject *value)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(value, &size);
    PyObject *bytes;
    char *escaped;
    int result;
    if (data != NULL)
        return put_bytes(r, data, size);
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear(); /* a lone surrogate */
    bytes = PyObject_CallFunctionObjArgs(r->state[UTF8], value, NULL);
    if (bytes == NULL)
        return -1;
    result = PyBytes_AsStringAndSize(bytes, &escaped, &size);
    if (result == 0)
        result = put_bytes(r, escaped, size);
    Py_DECREF(bytes);
    return result;
}

/* Any object, as text. */
static int put_text(Record *r, PyObject *value)
{
    PyObject *converted;
    int result;
    if (PyUnicode_CheckExact(value))
        return put_str(r, value);
    converted = PyObject_CallFunctionObjArgs(r->state[TEXT], value, NULL);
    if (converted == NULL)
        return -1;
    result = put_str(r, converted);
    Py_DECREF(converted);
    return result;
}

/* vType and the value's own field. 1, and nothing written, if it is none of the plain values. */
static int put_plain(Record *r, PyObject *value, Py_ssize_t max_length)
{
    if (!ROOM(r, SMALL))
        return -1;
    if (PyUnicode_CheckExact(value)) {
        PyObject *cut;
        int result;
        put(r, 0x00);
        put(r, 0x18);
        if (PyUnicode_GetLength(value) <= max_length)
            return put_str(r, value);
        cut = PyUnicode_Substring(value, 0, max_length);
        if (cut == NULL)
            return -1;
        result = put_str(r, cut);
        Py_DECREF(cut);
        return result;
    }
    if (PyBool_Check(value)) {
        put(r, 0x04);
        put(r, value == Py_True ? 0x31 : 0x32);
        return 0;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow)
            return 1;
        if (number == -1 && PyErr_Occurred())
            return -1;
        put(r, 0x06);
        put(r, 0x46);
        put_zigzag(r, number);
        return 0;
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AsDouble(value);
        uint64_t bits;
        int i;
        memcpy(&bits, &number, sizeof bits);
        if ((bits >> 52 & 0x7ff) == 0x7ff) /* infinite, or no number */
            return 1;
        put(r, 0x02);
        put(r, 0x27);
        for (i = 0; i < 64; i += 8)
            put(r, (int)(bits >> i & 0xff));
        return 0;
    }
    return 1;
}

/* Any value: of other types, and of numbers too wide for 64 bits, what the Python encoder makes. */
static int put_value(Record *r, PyObject *value, Py_ssize_t max_length, PyObject *const *limits)
{
    PyObject *converted;
    int result = put_plain(r, value, max_length);
    if (result <= 0)
        return result;
    converted = PyObject_CallFunctionObjArgs(r->state[PLAIN], value, limits[0], limits[1], NULL);
    if (converted == NULL)
        return -1;
    /* Text is cut already, and a traceback by another limit. */
    result = put_plain(r, converted, PY_SSIZE_T_MAX);
    Py_DECREF(converted);
    if (result > 0) {
        PyErr_SetString(PyExc_TypeError, "plain() returned no plain value");
        return -1;
    }
    return result;
}

/* A list of Tag structs. */
static int put_tags(Record *r, PyObject *tags, Py_ssize_t max_length, PyObject *const *limits)
{
    PyObject *key, *value;
    Py_ssize_t position = 0, written = 0, size;
    if (!ROOM(r, SMALL))
        return -1;
    if (tags == Py_None) {
        put(r, 0x0c);
        return 0;
    }
    if (!PyDict_Check(tags)) {
        PyErr_SetString(PyExc_TypeError, "tags are no dict");
        return -1;
    }
    size = PyDict_Size(tags);
    put_list(r, (size_t)size);
    while (PyDict_Next(tags, &position, &key, &value)) {
        int failed;
        /* Odd keys and values run the program's own code, which may change this very dict. */
        Py_INCREF(key);
        Py_INCREF(value);
        failed = !ROOM(r, SMALL);
        if (!failed) {
            put(r, 0x18);
            failed = put_text(r, key) < 0 || !ROOM(r, SMALL);
        }
        if (!failed) {
            put(r, 0x15);
            failed = put_value(r, value, max_length, limits) < 0 || !ROOM(r, SMALL);
        }
        Py_DECREF(key);
        Py_DECREF(value);
        if (failed)
            return -1;
        put(r, 0x00);
        if (++written > size)
            break;
    }
    if (written != size || PyDict_Size(tags) != size) {
        PyErr_SetString(PyExc_RuntimeError, "tags changed while they were encoded");
        return -1;
    }
    return 0;
}

/* Nanoseconds, written as microseconds, rounded down. */
static int put_time(Record *r, PyObject *nanos)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(nanos, &overflow), micros;
    if (overflow) { /* after the year 2262 */
        PyObject *thousand = PyLong_FromLong(1000), *quotient = NULL;
        if (thousand != NULL)
            quotient = PyNumber_FloorDivide(nanos, thousand);
        Py_XDECREF(thousand);
        if (quotient == NULL)
            return -1;
        micros = PyLong_AsLongLong(quotient);
        Py_DECREF(quotient);
    }
    else
        micros = number / 1000 - (number % 1000 < 0);
    if ((overflow ? micros : number) == -1 && PyErr_Occurred())
        return -1;
    put(r, 0x16);
    put_zigzag(r, micros);
    return 0;
}

static int put_logs(Record *r, PyObject *logs, Py_ssize_t max_length, PyObject *const *limits)
{
    Py_ssize_t i, size;
    if (!ROOM(r, SMALL))
        return -1;
    if (logs == Py_None) {
        put(r, 0x0c);
        return 0;
    }
    if (!PyList_Check(logs)) {
        PyErr_SetString(PyExc_TypeError, "logs are no list");
        return -1;
    }
    size = PyList_Size(logs);
    put_list(r, (size_t)size);
    for (i = 0; i < size; i++) {
        PyObject *log = PyList_GetItem(logs, i); /* borrowed; raises if the list has shrunk */
        int failed;
        if (log == NULL)
            return -1;
        if (!PyTuple_Check(log) || PyTuple_Size(log) != 2) {
            PyErr_SetString(PyExc_TypeError, "a log is no pair of time and fields");
            return -1;
        }
        Py_INCREF(log);
        failed = !ROOM(r, SMALL) || put_time(r, PyTuple_GetItem(log, 0)) < 0;
        if (!failed) {
            put(r, 0x19);
            failed = put_tags(r, PyTuple_GetItem(log, 1), max_length, limits) < 0
                || !ROOM(r, SMALL);
        }
        Py_DECREF(log);
        if (failed)
            return -1;
        put(r, 0x00);
    }
    if (PyList_Size(logs) != size) {
        PyErr_SetString(PyExc_RuntimeError, "logs changed while they were encoded");
        return -1;
    }
    return 0;
}

/* An id's lower 64 bits, as the signed integer of the same bits. -1 with an exception on failure. */
static int put_id(Record *r, PyObject *id)
{
    uint64_t bits;
    if (!PyLong_Check(id)) {
        PyErr_SetString(PyExc_TypeError, "an id is no integer");
        return -1;
    }
    bits = PyLong_AsUnsignedLongLongMask(id);
    if (bits == (uint64_t)-1 && PyErr_Occurred())
        return -1;
    put_varint(r, bits >> 63 ? ~(bits << 1) : bits << 1);
    return 0;
}

/* traceIdLow, traceIdHigh. */
static int put_trace_id(Record *r, PyObject *trace)
{
    int result = -1;
    PyObject *id = PyObject_GetAttr(trace, r->state[TRACE_ID]);
    if (id == NULL)
        return -1;
    put(r, 0x16);
    if (id == Py_None) {
        put(r, 0x00);
        put(r, 0x16);
        put(r, 0x00);
        result = 0;
    }
    else if (put_id(r, id) == 0) {
        put(r, 0x16);
        (void)PyLong_AsUnsignedLongLong(id);
        if (!PyErr_Occurred()) { /* 64 bits are all there is */
            put(r, 0x00);
            result = 0;
        }
        else {
            PyObject *sixty_four = PyLong_FromLong(64), *high;
            PyErr_Clear();
            high = sixty_four ? PyNumber_Rshift(id, sixty_four) : NULL;
            Py_XDECREF(sixty_four);
            if (high != NULL) {
                result = put_id(r, high);
                Py_DECREF(high);
            }
        }
    }
    Py_DECREF(id);
    return result;
}

static int put_flags(Record *r, PyObject *trace)
{
    unsigned long long flags = 0;
    PyObject *value = PyObject_GetAttr(trace, r->state[FLAGS]);
    if (value == NULL)
        return -1;
    if (value != Py_None)
        flags = PyLong_AsUnsignedLongLongMask(value);
    Py_DECREF(value);
    if (flags == (unsigned long long)-1 && PyErr_Occurred())
        return -1;
    put_varint(r, (flags & 0xff) << 1);
    return 0;
}

/* "15" ends the header of the flags' field: it follows on field 5 or on the references, field 6. */
static int put_references(Record *r, PyObject *references)
{
    PyObject *encoded, *bytes;
    char *data;
    Py_ssize_t size;
    int truth = PyObject_IsTrue(references);
    if (truth <= 0) {
        if (truth == 0)
            put(r, 0x25);
        return truth;
    }
    encoded = PyObject_CallFunctionObjArgs(r->state[REFERENCES_TEXT], references, NULL);
    if (encoded == NULL)
        return -1;
    bytes = PyUnicode_AsLatin1String(encoded);
    Py_DECREF(encoded);
    if (bytes == NULL)
        return -1;
    if (PyBytes_AsStringAndSize(bytes, &data, &size) < 0 || !ROOM(r, size + SMALL)) {
        Py_DECREF(bytes);
        return -1;
    }
    memcpy(r->data + r->size, data, (size_t)size);
    r->size += (size_t)size;
    Py_DECREF(bytes);
    return 0;
}

static int put_duration(Record *r, PyObject *micros)
{
    long long number = PyLong_AsLongLong(micros);
    if (number == -1 && PyErr_Occurred())
        return -1;
    put(r, 0x16);
    put_zigzag(r, number);
    return 0;
}

enum { TRACE, SPAN_ID, PARENT_ID, NAME, REFERENCES, START, DURATION, TAGS, LOGS, MAX, MAX_TRACEBACK,
       ARGUMENTS };

static int put_span(Record *r, PyObject *const *a)
{
    PyObject *const *limits = a + MAX; /* max_length, max_traceback_length */
    Py_ssize_t max_length = PyLong_AsSsize_t(a[MAX]);
    if (max_length == -1 && PyErr_Occurred())
        return -1;
    if (put_trace_id(r, a[TRACE]) < 0)
        return -1;
    put(r, 0x16);
    if (put_id(r, a[SPAN_ID]) < 0)
        return -1;
    put(r, 0x16);
    if (a[PARENT_ID] == Py_None)
        put(r, 0x00);
    else if (put_id(r, a[PARENT_ID]) < 0)
        return -1;
    put(r, 0x18);
    if (put_text(r, a[NAME]) < 0 || !ROOM(r, SMALL) || put_references(r, a[REFERENCES]) < 0
        || !ROOM(r, 2 * SMALL) || put_flags(r, a[TRACE]) < 0 || put_time(r, a[START]) < 0
        || put_duration(r, a[DURATION]) < 0)
        return -1;
    put(r, 0x19);
    if (put_tags(r, a[TAGS], max_length, limits) < 0 || !ROOM(r, SMALL))
        return -1;
    put(r, 0x19);
    if (put_logs(r, a[LOGS], max_length, limits) < 0 || !ROOM(r, SMALL))
        return -1;
    put(r, 0x00);
    return 0;
}

/* Write a record; the caller releases it. */
static int encode(Record *r, const State *state, PyObject *const *arguments, Py_ssize_t count)
{
    r->data = r->stack;
    r->size = 0;
    r->capacity = sizeof r->stack;
    if (state == NULL)
        return -1;
    r->state = state->at;
    if (count != ARGUMENTS) {
        PyErr_Format(PyExc_TypeError, "%d arguments describe a span, not %zd", (int)ARGUMENTS,
                     count);
        return -1;
    }
    if (state->at[PLAIN] == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "set_helpers was not called");
        return -1;
    }
    return put_span(r, arguments);
}

static void release(Record *r)
{
    if (r->data != r->stack)
        PyMem_Free(r->data);
}

static PyObject *encode_span(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Record record;
    PyObject *result = NULL;
    if (encode(&record, PyModule_GetState(module), arguments, count) == 0)
        result = PyBytes_FromStringAndSize(record.data, (Py_ssize_t)record.size);
    release(&record);
    return result;
}

/* A copy of a dict whose values are all of the types that wait as they are, else None. */
static PyObject *copy_plain(PyObject *module, PyObject *tags)
{
    PyObject *value;
    Py_ssize_t position = 0;
    (void)module;
    if (!PyDict_CheckExact(tags))
        Py_RETURN_NONE;
    while (PyDict_Next(tags, &position, NULL, &value)) {
        if (!PyUnicode_CheckExact(value) && !PyLong_CheckExact(value) && !PyBool_Check(value)
            && !PyFloat_CheckExact(value))
            Py_RETURN_NONE;
    }
    return PyDict_Copy(tags);
}

/* -- Records that wait ------------------------------------------------------------------------
 *
 * They lie end to end in chunks of a packet's size, so that to send them costs the interpreter's
 * lock one copy for each packet. What a method does after it has called anything of the
 * program's, it does in one piece: whoever else adds or takes sees all of it or nothing.
 */

typedef struct Chunk {
    struct Chunk *next;
    char *data;
    uint32_t *sizes; /* of the records in data */
    size_t size, capacity, count, room;
} Chunk;

typedef struct {
    PyObject_HEAD
    Chunk *first, *last;
    unsigned long long bytes_in, look_at, last_id;
    Py_ssize_t spans, bytes, max_spans, max_bytes, chunk_spans, chunk_bytes;
    char closed;
} Buffer;

static void free_chunk(Chunk *chunk)
{
    PyMem_Free(chunk->data);
    PyMem_Free(chunk->sizes);
    PyMem_Free(chunk);
}

/* The chunk at the end, with room for one more record; NULL if there is no memory. */
static Chunk *chunk_for(Buffer *b, size_t size)
{
    Chunk *chunk = b->last;
    if (chunk == NULL || chunk->size + size > (size_t)b->chunk_bytes
        || chunk->count >= (size_t)b->chunk_spans) {
        /* One that follows another will become as large as that one. */
        size_t capacity = chunk == NULL ? 4096 : chunk->capacity;
        size_t room = chunk == NULL ? 64 : chunk->room;
        if (capacity > (size_t)b->chunk_bytes)
            capacity = (size_t)b->chunk_bytes;
        if (capacity < size)
            capacity = size;
        chunk = PyMem_Malloc(sizeof *chunk);
        if (chunk == NULL)
            return NULL;
        chunk->next = NULL;
        chunk->size = chunk->count = 0;
        chunk->capacity = capacity;
        chunk->room = room;
        chunk->data = PyMem_Malloc(capacity);
        chunk->sizes = PyMem_Malloc(room * sizeof *chunk->sizes);
        if (chunk->data == NULL || chunk->sizes == NULL) {
            free_chunk(chunk);
            return NULL;
        }
        if (b->last == NULL)
            b->first = chunk;
        else
            b->last->next = chunk;
        b->last = chunk;
    }
    if (chunk->capacity - chunk->size < size) {
        size_t capacity = chunk->size + size > 2 * chunk->capacity ? chunk->size + size
                                                                   : 2 * chunk->capacity;
        char *data = PyMem_Realloc(chunk->data, capacity);
        if (data == NULL)
            return NULL;
        chunk->data = data;
        chunk->capacity = capacity;
    }
    if (chunk->count == chunk->room) {
        uint32_t *sizes = PyMem_Realloc(chunk->sizes, 2 * chunk->room * sizeof *sizes);
        if (sizes == NULL)
            return NULL;
        chunk->sizes = sizes;
        chunk->room *= 2;
    }
    return chunk;
}

/* True if somebody has to look after the buffer now, None if it is full, NULL without memory. */
static PyObject *keep(Buffer *b, const char *data, size_t size)
{
    Chunk *chunk;
    PyObject *result;
    if (b->closed || b->spans >= b->max_spans
        || (Py_ssize_t)size > b->max_bytes - b->bytes) {
        Py_RETURN_NONE;
    }
    chunk = size > UINT32_MAX ? NULL : chunk_for(b, size);
    if (chunk == NULL)
        return PyErr_NoMemory();
    memcpy(chunk->data + chunk->size, data, size);
    chunk->size += size;
    chunk->sizes[chunk->count++] = (uint32_t)size;
    b->spans++;
    b->bytes += (Py_ssize_t)size;
    b->bytes_in += size;
    result = b->bytes_in >= b->look_at ? Py_True : Py_False;
    Py_INCREF(result);
    return result;
}

static PyObject *buffer_add(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Record record;
    PyObject *result = NULL;
    if (encode(&record, PyType_GetModuleState(Py_TYPE(self)), arguments, count) == 0) {
        result = keep((Buffer *)self, record.data, record.size);
        if (result != NULL && result != Py_None)
            ((Buffer *)self)->last_id = PyLong_AsUnsignedLongLongMask(arguments[SPAN_ID]);
    }
    release(&record);
    return result;
}

static PyObject *buffer_take(PyObject *self, PyObject *list)
{
    Buffer *b = (Buffer *)self;
    Chunk *chunk;
    PyObject *pair, *data, *sizes;
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "take needs a list");
        return NULL;
    }
    /* First, since it may run finalizers, and those add spans. */
    pair = PyTuple_New(2);
    if (pair == NULL)
        return NULL;
    chunk = b->first;
    if (chunk == NULL) {
        Py_DECREF(pair);
        Py_RETURN_FALSE;
    }
    data = PyBytes_FromStringAndSize(chunk->data, (Py_ssize_t)chunk->size);
    sizes = PyBytes_FromStringAndSize((char *)chunk->sizes,
                                      (Py_ssize_t)(chunk->count * sizeof *chunk->sizes));
    if (data == NULL || sizes == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(sizes);
        Py_DECREF(pair);
        return NULL;
    }
    PyTuple_SetItem(pair, 0, data);
    PyTuple_SetItem(pair, 1, sizes);
    if (PyList_Append(list, pair) < 0) {
        Py_DECREF(pair);
        return NULL;
    }
    b->first = chunk->next;
    if (b->first == NULL)
        b->last = NULL;
    b->spans -= (Py_ssize_t)chunk->count;
    b->bytes -= (Py_ssize_t)chunk->size;
    free_chunk(chunk);
    Py_DECREF(pair);
    Py_RETURN_TRUE;
}

static PyObject *buffer_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Buffer *b;
    (void)arguments;
    (void)keywords;
    b = (Buffer *)allocate(type, 0);
    if (b != NULL)
        b->max_spans = b->max_bytes = b->chunk_spans = b->chunk_bytes = PY_SSIZE_T_MAX;
    return (PyObject *)b;
}

static void buffer_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Chunk *chunk = ((Buffer *)self)->first;
    while (chunk != NULL) {
        Chunk *next = chunk->next;
        free_chunk(chunk);
        chunk = next;
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

#define FIELD(name, type, flags) {#name, type, offsetof(Buffer, name), flags, NULL}

static PyMemberDef buffer_members[] = {
    FIELD(spans, T_PYSSIZET, READONLY),       /* that wait */
    FIELD(bytes, T_PYSSIZET, READONLY),       /* of them */
    FIELD(bytes_in, T_ULONGLONG, READONLY),   /* of all there ever were */
    FIELD(last_id, T_ULONGLONG, READONLY),    /* of the span that add has kept last */
    FIELD(look_at, T_ULONGLONG, 0),           /* the bytes_in from which on add says True */
    FIELD(max_spans, T_PYSSIZET, 0),          /* that may wait */
    FIELD(max_bytes, T_PYSSIZET, 0),
    FIELD(chunk_spans, T_PYSSIZET, 0),        /* that take gives at once, at the most */
    FIELD(chunk_bytes, T_PYSSIZET, 0),        /* unless a single one is larger */
    FIELD(closed, T_BOOL, 0),                 /* nothing is kept any more */
    {NULL, 0, 0, 0, NULL}};

static PyMethodDef buffer_methods[] = {
    {"add", (PyCFunction)(void (*)(void))buffer_add, METH_FASTCALL,
     "add(*arguments of encode_span) -> bool | None\n\nEncode and keep a span. True if look_at is "
     "reached, None if it was not kept because the buffer is full or closed."},
    {"take", buffer_take, METH_O,
     "take(list, /) -> bool\n\nMove the first records, as (joined, sizes as native uint32), to the "
     "end of a list. False if there are none."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot buffer_slots[] = {{Py_tp_new, (void *)buffer_new},
                                     {Py_tp_dealloc, (void *)buffer_dealloc},
                                     {Py_tp_methods, buffer_methods},
                                     {Py_tp_members, buffer_members},
                                     {Py_tp_doc, "Records of spans that wait to be sent."},
                                     {0, NULL}};

static PyType_Spec buffer_spec = {"jaeger_like._encoder.Buffer", sizeof(Buffer), 0,
                                  Py_TPFLAGS_DEFAULT, buffer_slots};

static PyObject *set_helpers(PyObject *module, PyObject *arguments)
{
    State *state = PyModule_GetState(module);
    PyObject *given[HELPERS], *old;
    int i;
    if (state == NULL
        || !PyArg_ParseTuple(arguments, "OOOO", &given[PLAIN], &given[TEXT], &given[UTF8],
                             &given[REFERENCES_TEXT]))
        return NULL;
    for (i = 0; i < HELPERS; i++) {
        old = state->at[i];
        Py_INCREF(given[i]);
        state->at[i] = given[i];
        Py_XDECREF(old);
    }
    Py_RETURN_NONE;
}

static int begin(PyObject *module)
{
    State *state = PyModule_GetState(module);
    PyObject *type;
    int added;
    if (state == NULL)
        return -1;
    type = PyType_FromModuleAndSpec(module, &buffer_spec, NULL);
    if (type == NULL)
        return -1;
    added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    if (added < 0)
        return -1;
    state->at[TRACE_ID] = PyUnicode_InternFromString("trace_id");
    if (state->at[TRACE_ID] == NULL)
        return -1;
    state->at[FLAGS] = PyUnicode_InternFromString("flags");
    return state->at[FLAGS] == NULL ? -1 : 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    int i;
    for (i = 0; state != NULL && i < STATES; i++)
        Py_VISIT(state->at[i]);
    return 0;
}

static int clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    int i;
    for (i = 0; state != NULL && i < STATES; i++)
        Py_CLEAR(state->at[i]);
    return 0;
}

static void end(void *module) { clear(module); }

static PyMethodDef methods[] = {
    {"encode_span", (PyCFunction)(void (*)(void))encode_span, METH_FASTCALL,
     "encode_span(trace, span_id, parent_id, operation_name, references, start, duration, tags, "
     "logs, max_length, max_traceback_length, /) -> bytes"},
    {"copy_plain", copy_plain, METH_O, "copy_plain(tags, /) -> dict | None"},
    {"set_helpers", set_helpers, METH_VARARGS, "set_helpers(plain, text, utf8, references, /)"},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begin}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "jaeger_like._encoder", "Spans to Thrift bytes.", sizeof(State), methods,
    slots, traverse, clear, end};

PyMODINIT_FUNC PyInit__encoder(void) { return PyModuleDef_Init(&definition); }
