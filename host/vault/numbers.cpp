#include "vault/numbers.h"

#include <algorithm>

namespace respawn::vault {

namespace {

constexpr std::size_t largest_numbers = 16 << 20;

io::Path numbers_file(const Vault::State& state) { return state.cache / "numbers"; }

} // namespace

WriterHighest known_numbers(const Vault::State& state) {
    const auto bytes = io::read_file(numbers_file(state), largest_numbers);
    const auto value = bytes.ok() ? decode(bytes.value()) : bytes.error();
    WriterHighest known;
    if (!value.ok() || value.value().text_at("vault") != state.hex_id)
        return known;
    if (const auto* writers = value.value().at("writers").map())
        for (const auto& [writer, number] : *writers)
            if (number.integer() && *number.integer() > 0)
                known[writer] = static_cast<std::uint64_t>(*number.integer());
    return known;
}

Result<void> note_numbers(const Vault::State& state, const WriterHighest& seen) {
    const auto before = known_numbers(state);
    auto after = before;
    for (const auto& [writer, number] : seen)
        after[writer] = std::max(after[writer], number);
    if (after == before)
        return {};
    Value::Map writers;
    for (const auto& [writer, number] : after)
        writers.emplace(writer, static_cast<std::int64_t>(number));
    return io::replace_durably(
        numbers_file(state),
        encode(Value::Map{ { "vault", state.hex_id }, { "writers", std::move(writers) } }));
}

Result<void> note_number(const Vault::State& state, const std::string& writer, std::uint64_t number) {
    return note_numbers(state, { { writer, number } });
}

} // namespace respawn::vault
