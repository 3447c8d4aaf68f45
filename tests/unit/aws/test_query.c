/* Forms and XML, both ways, as the local server reads and writes them. */
#include "aws/protocol.h"

#include "base/arena.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct {
    const char *form, *json; /* json NULL: refused */
} forms[] = {
    {"", "{}"},
    {"&&", "{}"},
    {"Action=GetCallerIdentity&Version=2011-06-15",
     "{\"Action\":\"GetCallerIdentity\",\"Version\":\"2011-06-15\"}"},
    {"a", "{\"a\":\"\"}"},
    {"a=", "{\"a\":\"\"}"},
    {"a==b", "{\"a\":\"=b\"}"},
    {"a=x+y%2B%26%3d", "{\"a\":\"x y+&=\"}"},
    {"%61.b=1", "{\"a\":{\"b\":\"1\"}}"},
    {"L.member.1=a&L.member.2=b", "{\"L\":[\"a\",\"b\"]}"},
    {"L.member.2=b&L.member.1=a", "{\"L\":[\"a\",\"b\"]}"},
    {"L.1=a&L.2=b", "{\"L\":[\"a\",\"b\"]}"},
    {"Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l",
     "{\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"},{\"Key\":\"l\"}]}"},
    {"L.member.1.member.1=x", "{\"L\":[[\"x\"]]}"},
    {"M.entry.1.key=k&M.entry.1.value=v&M.entry.2.key=l&M.entry.2.value.A=w",
     "{\"M\":{\"k\":\"v\",\"l\":{\"A\":\"w\"}}}"},
    {"M.entry.1.key=k&M.entry.1.value=v&M.entry.2.key=k&M.entry.2.value=w",
     "{\"M\":{\"entry\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"k\",\"value\":\"w\"}]}}"},
    {"L.member.1=a&L.member.3=b", "{\"L\":{\"member\":{\"1\":\"a\",\"3\":\"b\"}}}"},
    {"L.member.01=a", "{\"L\":{\"member\":{\"01\":\"a\"}}}"},
    {"L.member.1=a&L.other=b", "{\"L\":{\"member\":[\"a\"],\"other\":\"b\"}}"},
    {"member.1=a&1=b", "{\"member\":[\"a\"],\"1\":\"b\"}"},
    {"a=1&a=2", NULL},
    {"a=1&a.b=2", NULL},
    {"a.b=2&a=1", NULL},
    {"a..b=1", NULL},
    {".a=1", NULL},
    {"a.=1", NULL},
    {"=1", NULL},
    {"a=%4", NULL},
    {"a=%zz", NULL},
    {"a=%00", NULL},
    {"%00=a", NULL},
    {"a=%ff", NULL},
    {"%ff=a", NULL},
    {"%ff.a=b", NULL},
    {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", NULL},
};

static void reads_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct error err = {0};
        json_t *got = query_parse(forms[i].form, strlen(forms[i].form), 10, &err);
        if (forms[i].json) {
            json_t *want = json_read(forms[i].json, strlen(forms[i].json), NULL);
            assert_non_null(want);
            if (!json_equal(got, want))
                fail_msg("%s gives %s", forms[i].form, json_dumps(got, 0));
            json_decref(want);
            json_decref(got);
        } else if (got || err.code != ERR_INVALID) {
            fail_msg("%s is taken", forms[i].form);
        }
    }
    struct error err = {0};
    assert_null(query_parse("a=1&b=2&c=3", 11, 2, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static const struct {
    const char *json, *xml;
} written[] = {
    {"{}", ""},
    {"{\"A\":\"x\",\"B\":1,\"C\":true,\"D\":false,\"E\":null,\"F\":1.5}",
     "<A>x</A><B>1</B><C>true</C><D>false</D><F>1.5</F>"},
    {"{\"A\":{\"B\":[\"x\",{\"C\":\"y\"}]},\"L\":[]}",
     "<A><B><member>x</member><member><C>y</C></member></B></A><L></L>"},
    {"{\"A\":\"<&>\\\"'\\r\\n\\u0001\xef\xbf\xbf\"}",
     "<A>&lt;&amp;&gt;&quot;'&#xD;\n\xef\xbf\xbd\xef\xbf\xbd</A>"},
};

static void writes_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        struct buf out;
        buf_init(&out, 4096);
        json_t *value = json_read(written[i].json, strlen(written[i].json), NULL);
        assert_non_null(value);
        query_write_xml(&out, value);
        assert_string_equal(buf_text(&out), written[i].xml);
        json_decref(value);
        buf_done(&out);
    }
}

static const struct {
    const char *xml, *json; /* json NULL: refused */
} documents[] = {
    {"<r/>", "{}"},
    {"<r>text</r>", "{}"},
    {"<r><a> x </a><b/></r>", "{\"a\":\" x \",\"b\":\"\"}"},
    {"<r>\n <a>\n  <b>x</b>\n </a>\n</r>", "{\"a\":{\"b\":\"x\"}}"},
    {"<r><a><member>1</member><member>2</member></a></r>", "{\"a\":[\"1\",\"2\"]}"},
    {"<r><a><member><x>1</x></member></a></r>", "{\"a\":[{\"x\":\"1\"}]}"},
    {"<r><a>1</a><a>2</a><b>3</b></r>", "{\"a\":[\"1\",\"2\"],\"b\":\"3\"}"},
    {"<r><a><member>1</member></a><a><member>2</member></a></r>", "{\"a\":[[\"1\"],[\"2\"]]}"},
    {"<r><m><entry><key>k</key><value>v</value></entry></m></r>", "{\"m\":{\"k\":\"v\"}}"},
    {"<r><m><entry><value>v</value><key>k</key></entry><entry><key>l</key><value/></entry></m></r>",
     "{\"m\":{\"k\":\"v\",\"l\":\"\"}}"},
    {"<r><m><entry><key>k</key></entry></m></r>", "{\"m\":{\"entry\":{\"key\":\"k\"}}}"},
    {"<r><member>1</member></r>", "{\"member\":\"1\"}"}, /* the root stays an object */
    {"<n:r xmlns:n='u'><n:a b='c'>x</n:a></n:r>", "{\"a\":\"x\"}"},
    {"<r><a>&lt;&amp;&#65;<![CDATA[<b>]]></a></r>", "{\"a\":\"<&A<b>\"}"},
    {"<?xml version='1.0' encoding='ISO-8859-1'?><r><a>\xe9</a></r>", "{\"a\":\"\xc3\xa9\"}"},
    {"", NULL},
    {"<r>", NULL},
    {"<r></s>", NULL},
    {"<r/><r/>", NULL},
    {"<r>&b;</r>", NULL},
    {"<r>\xff</r>", NULL},
    {"<!DOCTYPE r><r/>", NULL},
    {"<!DOCTYPE r [<!ENTITY b 'x'>]><r>&b;</r>", NULL},
    {"<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", NULL},
    {"text", NULL},
};

static void reads_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct error err = {0};
        json_t *got = xml_parse(documents[i].xml, strlen(documents[i].xml), &err);
        if (documents[i].json) {
            json_t *want = json_read(documents[i].json, strlen(documents[i].json), NULL);
            if (!json_equal(got, want))
                fail_msg("%s gives %s", documents[i].xml, got ? json_dumps(got, 0) : err.message);
            json_decref(want);
            json_decref(got);
        } else if (got || err.code != ERR_INVALID) {
            fail_msg("%s is taken", documents[i].xml);
        }
    }
}

static json_t *nested(size_t depth)
{
    struct buf xml;
    buf_init(&xml, 1 << 20);
    for (size_t i = 0; i < depth; i++)
        buf_append_text(&xml, "<a>");
    for (size_t i = 0; i < depth; i++)
        buf_append_text(&xml, "</a>");
    json_t *got = xml_parse(buf_text(&xml), xml.len, NULL);
    buf_done(&xml);
    return got;
}

static void limits_of_xml(void **state)
{
    (void)state;
    json_t *deep = nested(64);
    assert_non_null(deep);
    json_decref(deep);
    assert_null(nested(65));
    assert_null(nested(100000));

    struct buf xml;
    buf_init(&xml, 4 << 20);
    buf_append_text(&xml, "<r>");
    for (int i = 0; i < 200000; i++)
        buf_append_text(&xml, "<a/>");
    buf_append_text(&xml, "</r>");
    assert_null(xml_parse(buf_text(&xml), xml.len, NULL)); /* 200,001 elements */
    buf_done(&xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_forms), cmocka_unit_test(writes_xml),
                                       cmocka_unit_test(reads_xml),
                                       cmocka_unit_test(limits_of_xml)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
