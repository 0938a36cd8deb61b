"""The table of settings: precedence, spellings, units, bad values, secrets."""

import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like import _settings
from jaeger_like._settings import Settings, parse, table
from jaeger_like._settings.document import markdown
from jaeger_like._settings.table import ROWS
from jaeger_like.codecs import PROPAGATION_FORMATS
from jaeger_like.errors import ConfigError

NO_CONFIG: dict = {}
NO_ENVIRONMENT: dict = {}


def never(message):
    raise AssertionError(f"unexpected warning: {message}")


def resolve(config=NO_CONFIG, environ=NO_ENVIRONMENT, warn=never) -> Settings:
    return _settings.resolve(config, environ, warn)


def with_warnings(environ, config=NO_CONFIG):
    warned = []
    return resolve(config, environ, warned.append), warned


def nested(key, value):
    group, _, name = key.rpartition(".")
    return {group: {name: value}} if group else {name: value}


def test_each_row_is_a_field_and_each_field_a_row():
    rows = {row.key.replace(".", "_") for row in ROWS} - {"sampler_type", "sampler_param"}
    fields = set(Settings.__annotations__)
    assert set(vars(resolve())) == fields
    assert rows | {"sampler", "throttler"} == fields


def test_propagation_names_are_those_of_the_codecs():
    assert set(parse.PROPAGATION_NAMES) == set(PROPAGATION_FORMATS)


def test_the_documentation_is_that_of_the_table():
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text() == markdown(), "run: python -m jaeger_like._settings > docs/..."


def test_the_module_prints_the_documentation(capsys):
    runpy.run_module("jaeger_like._settings", run_name="__main__")
    assert capsys.readouterr().out == markdown()


def test_settings_are_frozen():
    with pytest.raises(AttributeError, match="enabled"):
        resolve().enabled = False


# key, value in the configuration, what it is read as; from the environment: text, what it is
VALUES = [
    ("enabled", False, False, "true", False),
    ("enabled", "0", False, "False", True),
    ("logging", 1, True, "t", True),
    ("sampling_refresh_interval", 2.5, 2.5, "1m30s", 90.0),
    ("max_operations", "7", 7, "8", 8),
    ("sampling_endpoint", "http://a:1/x", "http://a:1/x", "http://b/y", "http://b/y"),
    ("reporter_queue_size", 11.9, 11, "12", 12),
    ("reporter_flush_interval", "0.5", 0.5, "250", 0.25),
    ("generate_128bit_trace_id", "TRUE", True, "true", True),
    ("propagation", "B3, jaeger,,", ("b3", "jaeger"), "w3c,b3", ("w3c", "b3")),
    ("propagation", ["b3-single", "W3C"], ("b3-single", "w3c"), "jaeger", ("jaeger",)),
    ("local_agent.reporting_host", "h", "h", " g ", "g"),
    ("local_agent.reporting_port", "1", 1, "65535", 65535),
    ("local_agent.socket_type", "UDP6", "udp6", "udp4", "udp4"),
    ("local_agent.reconnect", False, False, "true", False),
    ("local_agent.reconnect", 1, True, "f", True),
    ("local_agent.reconnect_interval", 5, 5.0, "1m30s", 90.0),
    (
        "endpoint",
        "https://a/b?c=d",
        "https://a/b?c=d",
        "http://[::1]:14268/x",
        "http://[::1]:14268/x",
    ),
    ("timeout", 2, 2.0, "1500", 1.5),
    ("auth_token", "t", "t", "t2\n", "t2"),
]


@pytest.mark.parametrize(("key", "value", "read", "text", "read_text"), VALUES)
def test_configuration_beats_environment_beats_default(key, value, read, text, read_text):
    field = key.replace(".", "_")
    environ = {table.BY_KEY[key].env[0]: text}
    default = table.BY_KEY[key].default
    assert getattr(resolve(), field) == default
    assert getattr(resolve(environ=environ), field) == read_text
    assert getattr(resolve(nested(key, value), environ), field) == read
    assert getattr(resolve(environ={table.BY_KEY[key].env[0]: "  "}), field) == default


@pytest.mark.parametrize(
    "name", [row.env[0] for row in ROWS if row.parse_env and "duration" in row.parse_env.__name__]
)
def test_a_warning_about_a_duration_says_what_one_looks_like(name):
    _, (warned,) = with_warnings({name: "soon"})
    assert "expected a duration such as `500ms` or `1m30s`, or an integer: milliseconds" in warned


@pytest.mark.parametrize("key", [row.key for row in ROWS if not row.takes_none])
@pytest.mark.parametrize("absent", [None, ""])
def test_none_and_empty_text_count_as_absent(key, absent):
    group = key.rpartition(".")[0]
    assert resolve(nested(key, absent)) == resolve({group: {}} if group else {})


BAD = [
    ("reporter_batch_size", [0, -1, "x", "1.5", [], float("nan"), float("inf")]),
    ("reporter_queue_size", [0, "many"]),
    ("reporter_flush_interval", [-1, "x", float("nan"), float("inf"), []]),
    ("sampling_refresh_interval", [-0.1, {}]),
    ("max_operations", [0, "x"]),
    ("max_tag_value_length", [-1, "x"]),
    ("max_traceback_length", [-1]),
    ("local_agent.reporting_port", [-1, 65536, "port", object()]),
    ("local_agent.sampling_port", [-1, 65536, "port"]),
    ("local_agent.reporting_host", [5, "  ", b"h"]),
    ("local_agent.socket_type", ["udp", "tcp4", 4]),
    ("local_agent.reconnect_interval", [0, -1, "x"]),
    ("throttler.port", [65536]),
    ("throttler.refresh_interval", [0, "soon"]),
    ("trace_id_header", [5, "two words", "a\r\nb", "a:b"]),
    ("baggage_header_prefix", ["é"]),
    ("debug_id_header", ["a b"]),
    ("tags", ["a=b", ["a"], 5]),
    ("propagation", ["zipkin", ["b3", "x"], 5, [5]]),
    ("endpoint", ["host:14268", "ftp://host", "http://", "http://h:99999/", "http://a b/", 5]),
    ("sampling_endpoint", ["host:5778", 5]),
    ("timeout", [0, -1, "x", float("inf")]),
    ("headers", ["x", {"a b": "c"}, {"a": 5}, {"a": "b\r\nc"}]),
    ("auth_token", [5, "a\r\nb"]),
    ("user", [5]),
    ("password", [5]),
    ("tls.ca_certs", [5]),
]


@pytest.mark.parametrize(("key", "value"), [(key, v) for key, values in BAD for v in values])
def test_a_bad_value_in_the_configuration_names_key_value_and_expectation(key, value):
    with pytest.raises(ConfigError) as caught:
        resolve(nested(key, value))
    row = table.BY_KEY[key]
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{key}: expected {row.type}, got ")
    assert row.secret or repr(value) in str(caught.value)


@pytest.mark.parametrize("group", ["local_agent", "throttler", "tls", "sampler"])
def test_a_group_that_is_no_mapping_is_an_error(group):
    with pytest.raises(ConfigError, match=f"{group}: expected a mapping, got 'x'"):
        resolve({group: "x"})
    assert resolve({group: None}) == resolve()


BAD_TEXTS = [
    ("JAEGER_DISABLED", "maybe"),
    ("JAEGER_REPORTER_LOG_SPANS", "2"),
    ("JAEGER_TRACEID_128BIT", "x"),
    ("JAEGER_AGENT_PORT", "not a number"),
    ("JAEGER_AGENT_PORT", "65536"),
    ("JAEGER_AGENT_SOCKET_TYPE", "udp5"),
    ("JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED", "perhaps"),
    ("JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL", "0"),
    ("JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL", "often"),
    ("JAEGER_REPORTER_MAX_QUEUE_SIZE", "0"),
    ("JAEGER_REPORTER_FLUSH_INTERVAL", "soon"),
    ("JAEGER_REPORTER_FLUSH_INTERVAL", "-1"),
    ("JAEGER_REPORTER_FLUSH_INTERVAL", "1.5"),
    ("JAEGER_SAMPLER_REFRESH_INTERVAL", "0"),
    ("JAEGER_SAMPLER_MAX_OPERATIONS", "x"),
    ("JAEGER_ENDPOINT", "host:14268"),
    ("JAEGER_SAMPLING_ENDPOINT", "/sampling"),
    ("JAEGER_SAMPLER_MANAGER_HOST_PORT", "host:port"),
    ("JAEGER_REPORTER_TIMEOUT", "0"),
    ("JAEGER_SAMPLER_TYPE", "sometimes"),
    ("JAEGER_SAMPLER_PARAM", "x"),
    ("JAEGER_SAMPLER_PARAM", "1.1"),
    ("JAEGER_SAMPLER_PARAM", "nan"),
    ("JAEGER_PROPAGATION", "zipkin"),
    ("JAEGER_TAGS", "abc"),
]


@pytest.mark.parametrize(("name", "text"), BAD_TEXTS)
def test_a_bad_variable_is_one_warning_that_names_it_and_the_default_is_used(name, text):
    settings, warned = with_warnings({name: text})
    assert settings == resolve()
    assert len(warned) == 1
    assert warned[0].startswith(f"{name}: expected ")
    assert repr(text) in warned[0]


@given(
    st.dictionaries(
        st.sampled_from(
            sorted(
                {name for row in ROWS for name in row.env}
                | set(table.WITHOUT_EFFECT)
                | {
                    table.SAMPLING_PATH,
                    table.MANAGER_HOST_PORT,
                    table.SAMPLER_HOST,
                    table.SAMPLER_PORT,
                }
            )
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    )
)
def test_no_environment_whatever_raises(environ):
    assert isinstance(resolve(environ=environ, warn=lambda _: None), Settings)


keys = st.sampled_from([row.key for row in ROWS])
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)


@given(keys, anything)
def test_any_value_in_the_configuration_is_taken_or_a_config_error(key, value):
    config = nested(key, value)
    try:
        settings = resolve(config)
    except ConfigError:
        return
    assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1s", 1),
        ("1m30s", 90),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("100us", 0.0001),
        ("100µs", 0.0001),
        ("7ns", 7e-9),
        ("500", 0.5),
        ("0", 0),
    ],
)
def test_durations_are_gos_or_milliseconds(text, seconds):
    assert parse.duration_text(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["true", "TRUE", "t", "1", "yes", "on", " True "])
def test_variables_that_are_true(text):
    assert resolve(environ={"JAEGER_REPORTER_LOG_SPANS": text}).logging is True


@pytest.mark.parametrize("text", ["false", "F", "0", "no", "off"])
def test_variables_that_are_false(text):
    """The Node client takes any text for true."""
    assert resolve(environ={"JAEGER_REPORTER_LOG_SPANS": text}).logging is False


@pytest.mark.parametrize("value", [None, 0])
@pytest.mark.parametrize("key", ["reporter_flush_interval", "sampling_refresh_interval"])
def test_intervals_may_be_none_and_zero(key, value):
    assert getattr(resolve({key: value}), key) is value


def test_batch_and_queue_sizes_must_fit_when_both_are_set():
    with pytest.raises(ValueError, match="Queue capacity cannot be less than batch size"):
        resolve({"reporter_batch_size": 10, "reporter_queue_size": 9})
    resolve({"reporter_batch_size": 10, "reporter_queue_size": 10})
    assert resolve({"reporter_queue_size": 5}).reporter_batch_size is None
    assert resolve({"reporter_batch_size": 500}).reporter_queue_size is None


# -- JAEGER_TAGS ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tags", "warnings"),
    [
        ("a=b,c=d", {"a": "b", "c": "d"}, 0),
        ("", {}, 0),
        ("a=${HOME:x}", {"a": "H"}, 0),
        ("a=${HOME}", {"a": "H"}, 0),
        ("a=${NOPE:dflt}", {"a": "dflt"}, 0),
        ("a=${NOPE:}", {"a": ""}, 0),
        ("a=${NOPE}", {"a": ""}, 0),
        ("a=${NOPE:x:y}", {"a": "x:y"}, 0),
        ("a=${EMPTY:x}", {"a": "x"}, 0),
        ("a=x${HOME:y}", {"a": "x${HOME:y}"}, 0),
        ("a = b = c , d=e", {"a": "b = c", "d": "e"}, 0),
        ("abc", {}, 1),
        ("abc,=x,def", {}, 1),
        ("a=b,", {"a": "b"}, 0),
        (" a=b ", {"a": "b"}, 0),
        ("a=", {"a": ""}, 0),
        ("n=1", {"n": "1"}, 0),
    ],
)
def test_tags_of_the_environment(text, tags, warnings):
    settings, warned = with_warnings({"JAEGER_TAGS": text, "HOME": "H", "EMPTY": ""})
    assert settings.tags == tags
    assert len(warned) == warnings


def test_tags_of_the_environment_win_one_by_one_and_the_users_dict_stays():
    """Defect of the old client: it wrote them into the user's dict."""
    mine = {"a": 1, "b": 2}
    settings = resolve({"tags": mine}, {"JAEGER_TAGS": "b=env,c=env"})
    assert settings.tags == {"a": 1, "b": "env", "c": "env"}
    assert mine == {"a": 1, "b": 2}


# -- sampler -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "environ", "kind", "param"),
    [
        (None, {}, "remote", None),
        ({}, {}, "remote", None),
        ({"type": ""}, {}, "remote", None),
        ({"type": None, "param": 0.5}, {}, "remote", 0.5),
        ({"type": "const"}, {}, "const", False),
        ({"type": "const", "param": "yes"}, {}, "const", False),
        ({"type": "const", "param": 1}, {}, "const", True),
        ({"type": "probabilistic", "param": "0.5"}, {}, "probabilistic", 0.5),
        ({"type": "ratelimiting", "param": 2}, {}, "ratelimiting", 2),
        ({"type": "rate_limiting", "param": 2}, {}, "ratelimiting", 2),
        ({"type": "remote"}, {}, "remote", None),
        ({"type": "remote", "param": 0.1}, {}, "remote", 0.1),
        (None, {"TYPE": "const", "PARAM": "1"}, "const", True),
        (None, {"TYPE": "const", "PARAM": "true"}, "const", True),
        (None, {"TYPE": "const", "PARAM": "0.0"}, "const", False),
        (None, {"TYPE": "const", "PARAM": "2"}, "const", True),
        (None, {"TYPE": "const"}, "const", False),
        (None, {"TYPE": "rateLimiting", "PARAM": "2.5"}, "ratelimiting", 2.5),
        (None, {"TYPE": "Probabilistic", "PARAM": "0.5"}, "probabilistic", 0.5),
        (None, {"PARAM": "0.5"}, "remote", 0.5),
        ({"param": 0.25}, {"TYPE": "probabilistic", "PARAM": "0.5"}, "probabilistic", 0.25),
        # A type in the configuration: the environment says nothing about it.
        ({"type": "const"}, {"TYPE": "probabilistic", "PARAM": "1"}, "const", False),
        ({"type": "remote"}, {"PARAM": "1"}, "remote", None),
    ],
)
def test_samplers(config, environ, kind, param):
    environ = {f"JAEGER_SAMPLER_{name}": text for name, text in environ.items()}
    choice = resolve({"sampler": config}, environ).sampler
    assert (choice.type, choice.param) == (kind, param)


@pytest.mark.parametrize(
    ("kind", "param"),
    [
        ("probabilistic", None),
        ("probabilistic", 1.01),
        ("probabilistic", -0.01),
        ("probabilistic", "x"),
        ("probabilistic", float("nan")),
        ("ratelimiting", None),
        ("ratelimiting", -1),
        ("ratelimiting", float("inf")),
        ("remote", 2),
    ],
)
def test_a_parameter_out_of_range_is_an_error_that_names_it(kind, param):
    with pytest.raises(ConfigError, match=r"^sampler\.param: expected a number .* got "):
        resolve({"sampler": {"type": kind, "param": param}})


@pytest.mark.parametrize("kind", ["Const", "adaptive", 5])
def test_an_unknown_type_is_an_error(kind):
    with pytest.raises(ConfigError, match=f"Unknown sampler type {kind}") as caught:
        resolve({"sampler": {"type": kind}})
    assert caught.value.key == "sampler.type"


@pytest.mark.parametrize(
    ("kind", "param", "default"),
    [
        ("probabilistic", "", 0.001),
        ("probabilistic", "2", 0.001),
        ("ratelimiting", "", 10),
        ("ratelimiting", "-1", 10),
        ("const", "perhaps", False),
    ],
)
def test_a_bad_parameter_in_the_environment_is_a_warning(kind, param, default):
    environ = {"JAEGER_SAMPLER_TYPE": kind, "JAEGER_SAMPLER_PARAM": param}
    settings, warned = with_warnings(environ)
    assert (settings.sampler.type, settings.sampler.param) == (kind, default)
    assert len(warned) == 1
    assert warned[0].startswith("JAEGER_SAMPLER_PARAM")


# -- where the remote sampler asks ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "environ", "url"),
    [
        ({}, {}, None),
        ({}, {"JAEGER_AGENT_HOST": "agent"}, None),
        ({}, {"JAEGER_SAMPLING_ENDPOINT": "http://s/x"}, "http://s/x"),
        (
            {},
            {"JAEGER_SAMPLING_ENDPOINT": "http://s/x", "JAEGER_SAMPLER_MANAGER_HOST_PORT": "m:1"},
            "http://s/x",
        ),
        ({}, {"JAEGER_SAMPLER_MANAGER_HOST_PORT": "m:1"}, "http://m:1/sampling"),
        ({}, {"JAEGER_SAMPLER_MANAGER_HOST_PORT": "http://m:1/"}, "http://m:1/sampling"),
        ({}, {"JAEGER_SAMPLER_MANAGER_HOST_PORT": "https://m/full"}, "https://m/full"),
        (
            {},
            {"JAEGER_SAMPLER_MANAGER_HOST_PORT": "m:1", "JAEGER_SAMPLER_SAMPLING_PATH": "/s"},
            "http://m:1/s",
        ),
        (
            {},
            {"JAEGER_AGENT_HOST": "agent", "JAEGER_SAMPLER_SAMPLING_PATH": "s"},
            "http://agent:5778/s",
        ),
        (
            {},
            {"JAEGER_AGENT_HOST": "::1", "JAEGER_SAMPLER_SAMPLING_PATH": "/s"},
            "http://[::1]:5778/s",
        ),
        (
            {"local_agent": {"sampling_port": 1}},
            {"JAEGER_SAMPLING_ENDPOINT": "http://s/x"},
            None,
        ),
        (
            {"local_agent": {"reporting_host": "h"}},
            {"JAEGER_SAMPLER_MANAGER_HOST_PORT": "m:1"},
            None,
        ),
        (
            {"local_agent": {"sampling_port": 1}, "sampling_endpoint": "http://c/d"},
            {"JAEGER_SAMPLING_ENDPOINT": "http://s/x"},
            "http://c/d",
        ),
    ],
)
def test_sampling_address_by_precedence(config, environ, url):
    assert resolve(config, environ).sampling_endpoint == url


# -- old spellings and variables without effect ---------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("JAEGER_DISABLE", "true", "enabled", False),
        ("JAEGER_REPORTER_ENDPOINT", "http://c/x", "endpoint", "http://c/x"),
        ("JAEGER_REPORTER_AGENT_HOST", "h", "local_agent_reporting_host", "h"),
        ("JAEGER_REPORTER_AGENT_PORT", "1", "local_agent_reporting_port", 1),
        ("JAEGER_REPORTER_USER", "u", "user", "u"),
        ("JAEGER_REPORTER_PASSWORD", "p", "password", "p"),
        ("JAEGER_SAMPLER_HOST", "h", "sampling_endpoint", "http://h:5778/sampling"),
        ("JAEGER_SAMPLER_PORT", "1", "sampling_endpoint", "http://localhost:1/sampling"),
    ],
)
def test_old_spellings_work_and_are_mentioned(name, text, field, value):
    settings, warned = with_warnings({name: text})
    assert getattr(settings, field) == value
    assert len(warned) == 1
    assert warned[0].startswith(f"{name} is an old spelling of JAEGER_")


@pytest.mark.parametrize("name", table.WITHOUT_EFFECT)
def test_variables_without_effect_are_mentioned(name):
    settings, warned = with_warnings({name: "x"})
    assert settings == resolve()
    assert len(warned) == 1
    assert name in warned[0]


# -- secrets -------------------------------------------------------------------------------------

SECRET = "s3cr3t"


def test_secrets_are_not_in_the_repr():
    settings = resolve(
        {
            "endpoint": f"http://u:{SECRET}@host/x",
            "sampling_endpoint": f"http://u:{SECRET}@host/x",
            "user": "u",
            "password": SECRET,
            "auth_token": SECRET,
            "headers": {"x-key": SECRET},
        }
    )
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "config",
    [
        {"password": [SECRET]},
        {"auth_token": f"{SECRET}\r\n{SECRET}"},
        {"headers": {"x key": SECRET}},
        {"endpoint": f"http://u:{SECRET}@host:port/"},
        {"endpoint": f"u:{SECRET}@host:14268/api/traces"},
        {"endpoint": f"http://u:a/{SECRET}@host/"},
        {"endpoint": f"http://u:{SECRET} @host/"},
        {"endpoint": f"http://host:port/?key={SECRET}"},
        {"sampling_endpoint": f"http://u:{SECRET}@host:port/"},
    ],
)
def test_secrets_are_not_in_errors(config):
    with pytest.raises(ConfigError) as caught:
        resolve(config)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "environ",
    [
        {"JAEGER_AUTH_TOKEN": f"{SECRET}\r\n{SECRET}"},
        {"JAEGER_ENDPOINT": f"http://u:{SECRET}@host:port/"},
        {"JAEGER_ENDPOINT": f"http://u:a@{SECRET}@host:port/"},
        {"JAEGER_ENDPOINT": f"u:{SECRET}@host:14268/api/traces"},
        {"JAEGER_ENDPOINT": f"http://host:port/?key={SECRET}"},
        {"JAEGER_SAMPLER_MANAGER_HOST_PORT": f"http://u:{SECRET}@host:port/"},
    ],
)
def test_secrets_are_not_in_warnings(environ):
    _, warned = with_warnings(environ)
    assert len(warned) == 1
    assert SECRET not in warned[0]


@pytest.mark.parametrize(("key", "missing"), [("user", "password"), ("password", "user")])
def test_a_user_without_a_password_is_an_error_or_a_warning(key, missing):
    config = {"endpoint": "http://c/x", key: SECRET}
    with pytest.raises(ConfigError, match=f"{missing}: expected to be set because {key} is"):
        resolve(config)
    _, warned = with_warnings({f"JAEGER_{key.upper()}": SECRET}, {"endpoint": "http://c/x"})
    assert warned == [
        f"JAEGER_{missing.upper()} is not set; JAEGER_{key.upper()} is not used without it"
    ]
    resolve({key: SECRET})  # without an endpoint nobody asks
