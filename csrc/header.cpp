#include "header.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <locale>
#include <sstream>
#include <utility>

namespace galedge {
namespace {

std::uint64_t key_of(const char* eight) {
    std::uint64_t key;
    std::memcpy(&key, eight, sizeof key);
    return key;
}

std::uint64_t key_of(std::string_view keyword) {
    char eight[8];
    std::memset(eight, ' ', sizeof eight);
    std::memcpy(eight, keyword.data(), std::min<std::size_t>(keyword.size(), 8));
    return key_of(eight);
}

std::string_view trim_right(std::string_view text) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return trim_right(text);
}

bool parse_real(std::string_view token, double& number) {
    char digits[Header::kCardBytes + 1];
    std::size_t length = 0;
    if (!token.empty() && token.front() == '+') token.remove_prefix(1);
    for (const char c : token) {
        const bool exponent = c == 'E' || c == 'e' || c == 'D' || c == 'd';
        if (!exponent && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '+') return false;
        if (length == Header::kCardBytes) return false;
        digits[length++] = exponent ? 'E' : c;
    }
    if (length == 0) return false;
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
    const auto [end, code] = std::from_chars(digits, digits + length, number);
    if (end != digits + length) return false;
    if (code == std::errc::result_out_of_range) {  // too large, or too close to zero
        const char* e = static_cast<const char*>(std::memchr(digits, 'E', length));
        const bool tiny = e != nullptr && e + 1 < digits + length && e[1] == '-';
        number = std::copysign(tiny ? 0.0 : HUGE_VAL, digits[0] == '-' ? -1.0 : 1.0);
        return true;
    }
    return code == std::errc();
#else
    std::istringstream stream(std::string(digits, length));
    stream.imbue(std::locale::classic());
    return static_cast<bool>(stream >> number) && stream.peek() == EOF;
#endif
}

bool parse_integer(std::string_view token, std::int64_t& number) {
    if (!token.empty() && token.front() == '+') token.remove_prefix(1);
    const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), number);
    return code == std::errc() && end == token.data() + token.size();
}

// 'It''s' -> It's; trailing blanks carry no meaning.
std::string parse_string(std::string_view field) {
    std::string text;
    for (std::size_t i = 1; i < field.size(); ++i) {
        if (field[i] == '\'') {
            if (i + 1 >= field.size() || field[i + 1] != '\'') break;
            ++i;
        }
        text.push_back(field[i]);
    }
    text.resize(trim_right(text).size());
    return text;
}

bool parse_complex(std::string_view field, std::complex<double>& number) {
    const std::size_t comma = field.find(','), close = field.find(')');
    if (comma == std::string_view::npos || close == std::string_view::npos || close < comma)
        return false;
    double re, im;
    if (!parse_real(trim(field.substr(1, comma - 1)), re) ||
        !parse_real(trim(field.substr(comma + 1, close - comma - 1)), im))
        return false;
    number = {re, im};
    return true;
}

// What stands behind the value indicator: value, then perhaps "/ comment".
Value parse_value(std::string_view field) {
    field = trim(field);
    if (field.empty() || field.front() == '/') return {};
    if (field.front() == '\'') return parse_string(field);
    if (field.front() == '(') {
        std::complex<double> number;
        if (parse_complex(field, number)) return number;
    }
    const std::string_view token = trim(field.substr(0, field.find('/')));
    if (token == "T") return true;
    if (token == "F") return false;
    std::int64_t integer;
    if (parse_integer(token, integer)) return integer;
    double real;
    if (parse_real(token, real)) return real;
    return std::string(token);  // not FITS, but worth showing
}

// The length of the UTF-8 sequence that `text` begins with (Unicode 15, table
// 3-7); 0 where there is none.
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const unsigned second = byte(1);
    // No longer form than need be, no surrogates, nothing beyond U+10FFFF.
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        return 0;
    return length;
}

[[noreturn]] void wrong_type(std::string_view keyword, const char* wanted, std::string_view card) {
    throw Error(ErrorKind::Read, std::string(keyword) + " is not " + wanted + ": \"" +
                                     decoded(std::string(trim(card))) + "\"");
}

}  // namespace

std::string decoded(std::string text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t length = utf8_sequence(rest);
        if (length == 0) break;
        rest.remove_prefix(length);
    }
    if (rest.empty()) return text;
    std::string utf8;  // Latin-1: any byte is a character, and no header fails to be shown
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            utf8.push_back(c);
        } else {
            utf8.push_back(static_cast<char>(0xc0 | byte >> 6));
            utf8.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
        }
    }
    return utf8;
}

std::int64_t find_end_card(const std::uint8_t* cards, std::size_t bytes, std::size_t from) {
    for (std::size_t at = from * Header::kCardBytes; at + Header::kCardBytes <= bytes;
         at += Header::kCardBytes) {
        const std::uint8_t* card = cards + at;
        // Some fill the card up with NUL, or end it as a line of text.
        if (std::memcmp(card, "END", 3) == 0 &&
            std::all_of(card + 3, card + 8, [](std::uint8_t c) { return c <= ' '; }))
            return static_cast<std::int64_t>(at / Header::kCardBytes);
    }
    return -1;
}

bool parse_number(std::string_view text, double& number) { return parse_real(trim(text), number); }

std::string numbered(std::string_view stem, int number) {
    return std::string(stem) + std::to_string(number);
}

std::string_view Header::card(std::size_t number) const {
    return std::string_view(cards_).substr(number * kCardBytes, kCardBytes);
}

std::size_t Header::find(std::string_view keyword) const {
    const std::size_t count = size();
    if (keyword.size() > 8) {
        static const std::uint64_t kHierarch = key_of(std::string_view("HIERARCH"));
        for (std::size_t i = 0; i < count; ++i) {
            if (key_of(cards_.data() + i * kCardBytes) != kHierarch) continue;
            const std::string_view text = card(i);
            const std::size_t equals = text.find('=');
            if (text[8] == ' ' && equals != std::string_view::npos &&
                trim(text.substr(9, equals - 9)) == keyword)
                return i;
        }
        return count;
    }
    const std::uint64_t key = key_of(keyword);
    for (std::size_t i = 0; i < count; ++i)
        // A keyword without the value indicator is commentary, not a value.
        if (key_of(cards_.data() + i * kCardBytes) == key && cards_[i * kCardBytes + 8] == '=')
            return i;
    return count;
}

Header Header::without(std::string_view keyword) const {
    const std::size_t at = find(keyword) * kCardBytes;
    return Header(cards_.substr(0, at) + cards_.substr(std::min(at + kCardBytes, cards_.size())));
}

std::size_t Header::column_of_value(std::string_view keyword, std::size_t number) const {
    return keyword.size() > 8 ? card(number).find('=') + 1 : 9;
}

Value Header::value_at(std::size_t& number, std::size_t column) const {
    static const std::uint64_t kContinue = key_of(std::string_view("CONTINUE"));
    Value value = parse_value(card(number++).substr(column));
    auto* text = std::get_if<std::string>(&value);
    while (text != nullptr && !text->empty() && text->back() == '&' && number < size() &&
           key_of(cards_.data() + number * kCardBytes) == kContinue) {
        const std::string_view more = trim(card(number).substr(8));
        if (more.empty() || more.front() != '\'') break;
        text->pop_back();
        *text += parse_string(more);
        ++number;
    }
    if (text != nullptr) *text = decoded(std::move(*text));  // a character may go over two cards
    return value;
}

std::optional<Value> Header::value(std::string_view keyword) const {
    std::size_t at = find(keyword);
    if (at == size()) return {};
    return value_at(at, column_of_value(keyword, at));
}

std::optional<std::int64_t> Header::integer(std::string_view keyword) const {
    const std::size_t at = find(keyword);
    if (at == size()) return {};
    const Value value = parse_value(card(at).substr(9));
    if (std::holds_alternative<std::monostate>(value)) return {};
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr) wrong_type(keyword, "an integer", card(at));
    return *number;
}

std::optional<double> Header::real(std::string_view keyword) const {
    const std::size_t at = find(keyword);
    if (at == size()) return {};
    const Value value = parse_value(card(at).substr(9));
    if (std::holds_alternative<std::monostate>(value)) return {};
    if (const auto* number = std::get_if<double>(&value)) return *number;
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr) wrong_type(keyword, "a number", card(at));
    return static_cast<double>(*number);
}

std::optional<bool> Header::logical(std::string_view keyword) const {
    const std::size_t at = find(keyword);
    if (at == size()) return {};
    const Value value = parse_value(card(at).substr(9));
    if (std::holds_alternative<std::monostate>(value)) return {};
    const auto* truth = std::get_if<bool>(&value);
    if (truth == nullptr) wrong_type(keyword, "T or F", card(at));
    return *truth;
}

std::optional<std::string> Header::string(std::string_view keyword) const {
    std::size_t at = find(keyword);
    if (at == size()) return {};
    const std::string_view first = card(at);
    const Value value = value_at(at);
    if (std::holds_alternative<std::monostate>(value)) return {};
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) wrong_type(keyword, "a string", first);
    return *text;
}

std::string Header::shown(std::string_view keyword) const {
    std::size_t at = find(keyword);
    if (at == size()) return {};
    const std::size_t column = column_of_value(keyword, at);
    const std::string_view field = trim(card(at).substr(column));
    const Value value = value_at(at, column);
    if (std::holds_alternative<std::monostate>(value)) return {};
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    const bool pair = std::holds_alternative<std::complex<double>>(value);
    return std::string(pair ? field.substr(0, field.find(')') + 1)
                            : trim(field.substr(0, field.find('/'))));
}

std::vector<Told> Header::told(const std::vector<std::string>& keywords) const {
    std::vector<Told> all;
    for (const std::string& keyword : keywords) {
        std::string value = shown(keyword);
        if (!value.empty()) all.emplace_back(keyword, std::move(value));
    }
    return all;
}

void Header::inherit(const Header& primary) {
    // What is one statement is taken together, or not at all.
    static const std::vector<std::vector<std::string_view>> kStatements = {
        {"OBJECT"},
        {"DATE-OBS"},
        {"RADESYS", "EQUINOX", "RADECSYS", "EPOCH"},
        {"FILTER"},
        {"IMAGETYP", "IMGTYPE", "OBSTYPE", "DATA-TYP", "EXPTYPE", "EXP_TYPE", "FRAMETYP", "FRAME",
         "FLAVOR", "ESO DPR TYPE"},
        {"PRODTYPE", "IMTYPE", "PRODCATG"},
        {"ROWORDER"},
        {"BANDS", "BAND0", "BAND1", "BAND2"},
        {"BAYERPAT", "COLORTYP", "CFAPAT", "XBAYROFF", "YBAYROFF", "BAYOFFX", "BAYOFFY"}};
    // A name that goes on for longer is made to fill the memory, in thousands of HDUs.
    constexpr std::size_t kMostInherited = 16;
    const auto wish = value("INHERIT");
    if (wish && std::holds_alternative<bool>(*wish) && !std::get<bool>(*wish)) return;
    const auto has = [this](std::string_view keyword) { return find(keyword) < size(); };
    for (const auto& statement : kStatements) {
        if (std::any_of(statement.begin(), statement.end(), has)) continue;
        for (const std::string_view keyword : statement) {
            std::size_t at = primary.find(keyword);
            if (at == primary.size()) continue;
            const std::size_t first = at;
            primary.value_at(at, primary.column_of_value(keyword, at));
            if (at - first > kMostInherited) continue;
            cards_.append(primary.cards_, first * kCardBytes, (at - first) * kCardBytes);
        }
    }
}

std::vector<Card> Header::cards() const {
    std::vector<Card> cards;
    cards.reserve(size());
    for (std::size_t i = 0; i < size();) {
        const std::string_view text = card(i);
        const std::string_view keyword = trim_right(text.substr(0, 8));
        const bool commentary = keyword == "COMMENT" || keyword == "HISTORY" || keyword.empty();
        if (text[8] == '=' && !commentary) {
            cards.push_back({decoded(std::string(keyword)), value_at(i)});
            continue;
        }
        const std::size_t equals = text.find('=');
        if (text.substr(0, 9) == "HIERARCH " && equals != std::string_view::npos) {
            const std::string_view name = trim(text.substr(9, equals - 9));
            cards.push_back({decoded(std::string(name)), value_at(i, equals + 1)});
            continue;
        }
        ++i;
        cards.push_back({decoded(std::string(keyword)), decoded(std::string(trim_right(text.substr(8))))});
    }
    return cards;
}

}  // namespace galedge
