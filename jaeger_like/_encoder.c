/* A finished span in, the bytes of its Thrift Span struct out.
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

static PyObject *encode_span(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Record record;
    PyObject *result = NULL;
    const State *state = PyModule_GetState(module);
    if (state == NULL)
        return NULL;
    if (count != ARGUMENTS) {
        PyErr_Format(PyExc_TypeError, "encode_span takes %d arguments, not %zd", (int)ARGUMENTS,
                     count);
        return NULL;
    }
    if (state->at[PLAIN] == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "set_helpers was not called");
        return NULL;
    }
    record.data = record.stack;
    record.size = 0;
    record.capacity = sizeof record.stack;
    record.state = state->at;
    if (put_span(&record, arguments) == 0)
        result = PyBytes_FromStringAndSize(record.data, (Py_ssize_t)record.size);
    if (record.data != record.stack)
        PyMem_Free(record.data);
    return result;
}

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
    if (state == NULL)
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
    {"set_helpers", set_helpers, METH_VARARGS, "set_helpers(plain, text, utf8, references, /)"},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begin}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "jaeger_like._encoder", "Spans to Thrift bytes.", sizeof(State), methods,
    slots, traverse, clear, end};

PyMODINIT_FUNC PyInit__encoder(void) { return PyModuleDef_Init(&definition); }
