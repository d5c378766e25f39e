// A FITS header: 80-byte cards kept as they are and looked up by scanning.
// A lookup compares eight bytes a card, so no index is built for the handful
// of keywords that reading pixels needs. Text that leaves this class is UTF-8,
// whatever bytes the file holds.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "error.hpp"

namespace galedge {

// No value at all (a commentary card, or "KEY     =" with nothing after it) is
// std::monostate.
using Value =
    std::variant<std::monostate, bool, std::int64_t, double, std::complex<double>, std::string>;

// A header's bytes as UTF-8: FITS knows ASCII only, programs write what they have.
// What is UTF-8 stays, all else is taken as Latin-1, which no byte is outside of.
std::string decoded(std::string text);

// A keyword and its value as a reader is shown it.
using Told = std::pair<std::string, std::string>;

struct Card {
    std::string keyword;  // COMMENT, HISTORY or blank for commentary
    Value value;          // commentary: its text as a string
};

class Header {
public:
    static constexpr std::size_t kCardBytes = 80;
    static constexpr std::size_t kBlockBytes = 2880;
    static constexpr std::size_t kMaxBytes = std::size_t{1} << 24;  // radio maps have 3.5 MB of HISTORY

    Header() = default;
    // `cards` holds whole cards, END left out.
    explicit Header(std::string cards) : cards_(std::move(cards)) {}

    const std::string& text() const noexcept { return cards_; }
    std::size_t size() const noexcept { return cards_.size() / kCardBytes; }

    // The value of the first card with this keyword, long strings joined over their
    // CONTINUE cards; empty when absent. Longer keywords than of 8 characters are
    // those of HIERARCH cards: "ESO DPR TYPE".
    std::optional<Value> value(std::string_view keyword) const;

    // Typed lookups: empty when the keyword is absent or has no value; Error
    // Read, naming the card, when its value is of another type.
    std::optional<std::int64_t> integer(std::string_view keyword) const;
    std::optional<double> real(std::string_view keyword) const;  // integers too
    std::optional<bool> logical(std::string_view keyword) const;
    std::optional<std::string> string(std::string_view keyword) const;

    // A value that is worth showing and not worth failing for: a string's
    // characters, anything else as it is written; empty when there is none.
    std::string shown(std::string_view keyword) const;
    // Those of these keywords that have one, with it.
    std::vector<Told> told(const std::vector<std::string>& keywords) const;

    // Takes what an extension leaves to its file's primary header: name, date, frame of
    // reference, filter, kind of exposure and colours, where it has none and does not say INHERIT = F.
    void inherit(const Header& primary);

    // The same without the first card of this keyword, where there is one.
    Header without(std::string_view keyword) const;

    // All cards in order: HIERARCH keywords by their own name, CONTINUE joined.
    std::vector<Card> cards() const;

private:
    std::size_t find(std::string_view keyword) const;  // card number, or size()
    std::string_view card(std::size_t number) const;
    std::size_t column_of_value(std::string_view keyword, std::size_t number) const;
    // The value that starts in `column`; moves `number` past CONTINUE cards.
    Value value_at(std::size_t& number, std::size_t column = 9) const;

    std::string cards_;
};

// Where END stands in `bytes` bytes of cards from card `from` on: the number
// of cards before it, or -1.
std::int64_t find_end_card(const std::uint8_t* cards, std::size_t bytes, std::size_t from = 0);

// A decimal number with nothing beside it but blanks.
bool parse_number(std::string_view text, double& number);

// NAXIS12 and the like.
std::string numbered(std::string_view stem, int number);

}  // namespace galedge
