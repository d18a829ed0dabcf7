#include "component/charset.h"

#include <algorithm>
#include <cerrno>
#include <iconv.h>
#include <utility>

namespace respawn::component {

namespace {

// As the server calls them, and as iconv does. Not sjis, in which iconv has other signs for \ and ~.
constexpr std::pair<std::string_view, const char*> other_names[] = {
    { "latin1", "CP1252" },      { "latin2", "ISO-8859-2" },  { "latin5", "ISO-8859-9" },
    { "latin7", "ISO-8859-13" }, { "greek", "ISO-8859-7" },   { "hebrew", "ISO-8859-8" },
    { "koi8r", "KOI8-R" },       { "koi8u", "KOI8-U" },       { "ucs2", "UCS-2BE" },
    { "utf16", "UTF-16BE" },     { "utf16le", "UTF-16LE" },   { "utf32", "UTF-32BE" },
    { "ujis", "EUC-JP" },        { "eucjpms", "EUC-JP-MS" },  { "euckr", "EUC-KR" },
    { "tis620", "TIS-620" },     { "macroman", "MACINTOSH" }, { "macce", "MAC-CENTRALEUROPE" },
    { "armscii8", "ARMSCII-8" }, { "hp8", "HP-ROMAN8" },
};

const char* iconv_name(std::string_view name) {
    for (const auto& [server, iconv] : other_names)
        if (server == name)
            return iconv;
    static constexpr const char* same[] = { "cp850",  "cp852",  "cp866", "cp932",  "cp1250", "cp1251",
                                            "cp1256", "cp1257", "gbk",   "gb2312", "big5" };
    const auto* found = std::ranges::find(same, name);
    return found == std::end(same) ? nullptr : *found;
}

// The server's latin1 is cp1252 with the five places that this one leaves free.
constexpr std::string_view free_in_cp1252 = "\x81\x8d\x8f\x90\x9d";

bool is_ascii(std::string_view bytes) {
    return std::ranges::none_of(bytes, [](char c) { return (c & 0x80) != 0; });
}

} // namespace

struct Charset::Way {
    iconv_t handle;
    Way(const char* to, const char* from) : handle(::iconv_open(to, from)) {}
    Way(const Way&) = delete;
    ~Way() {
        if (is_there())
            ::iconv_close(handle);
    }
    bool is_there() const { return handle != reinterpret_cast<iconv_t>(-1); }

    // Every character as it is or nothing: what iconv would put in its place counts as none.
    std::optional<std::string> convert(std::string_view bytes) {
        if (!is_there())
            return {};
        ::iconv(handle, nullptr, nullptr, nullptr, nullptr);
        std::string text(bytes.size() * 4 + 16, '\0');
        auto* in = const_cast<char*>(bytes.data());
        auto in_left = bytes.size(), out_left = text.size();
        auto* out = text.data();
        if (::iconv(handle, &in, &in_left, &out, &out_left) != 0 || in_left != 0)
            return {};
        text.resize(text.size() - out_left);
        return text;
    }
};

Charset::Charset(std::string_view name)
    : is_utf8_(name == "utf8mb4" || name == "utf8mb3" || name == "utf8" || name == "ascii"),
      is_latin1_(name == "latin1"),
      is_wide_(name == "ucs2" || name.starts_with("utf16") || name == "utf32") {
    if (const auto* other = iconv_name(name); other && !is_utf8_) {
        to_ = std::make_unique<Way>("UTF-8", other);
        from_ = std::make_unique<Way>(other, "UTF-8");
    }
}
Charset::Charset(Charset&&) noexcept = default;
Charset& Charset::operator=(Charset&&) noexcept = default;
Charset::~Charset() = default;

std::optional<std::string> Charset::to_utf8(std::string_view bytes) {
    if (is_utf8_)
        return std::string(bytes); // as the server would send it
    if (!to_)
        return {};
    if (!is_wide_ && is_ascii(bytes))
        return std::string(bytes);
    if (!is_latin1_)
        return to_->convert(bytes);
    std::string text;
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, bytes.find_first_of(free_in_cp1252));
        const auto known = to_->convert(part);
        if (!known)
            return {};
        text += *known;
        bytes.remove_prefix(part.size());
        if (bytes.empty())
            break;
        text += '\xc2'; // U+0081 and so on
        text += bytes.front();
        bytes.remove_prefix(1);
    }
    return text;
}

std::optional<std::string> Charset::from_utf8(std::string_view text) {
    if (is_utf8_)
        return std::string(text);
    if (!from_)
        return {};
    auto bytes = from_->convert(text);
    if (bytes || !is_latin1_)
        return bytes;
    std::string found;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\xc2' && at + 1 < text.size() &&
            free_in_cp1252.find(text[at + 1]) != free_in_cp1252.npos) {
            found += text[at + 1];
            at += 2;
            continue;
        }
        std::size_t size = 1;
        while (at + size < text.size() && (text[at + size] & 0xc0) == 0x80)
            ++size;
        const auto one = from_->convert(text.substr(at, size));
        if (!one)
            return {};
        found += *one;
        at += size;
    }
    return found;
}

std::string in_charset_of_client(const std::string& definition, const std::string& charset) {
    return is_ascii(definition) ? definition
                                : Charset(charset).from_utf8(definition).value_or(definition);
}

} // namespace respawn::component
