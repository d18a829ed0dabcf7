#include "component/row_sum.h"

#include "base/bytes.h"

namespace respawn::component {

RowHasher::RowHasher(const vault::Vault& vault) : RowHasher(vault.purpose_key("rows")) {}
RowHasher::RowHasher(const crypto::Key& key)
    : keys_(key.bytes().substr(0, 16)), rows_(key.bytes().substr(16)) {}

void RowSum::add(const RowSum& part) {
    rows += part.rows;
    low += part.low;
    high += part.high + (low < part.low ? 1 : 0);
}

Value RowSum::value() const {
    return Value::Map{ { "rows", static_cast<std::int64_t>(rows) },
                       { "sum", Blob{ ByteWriter().u64(low).u64(high).take() } } };
}

Result<RowSum> RowSum::from(const Value& value) {
    const auto rows = value.integer_at("rows", -1);
    const auto* sum = value.at("sum").blob();
    if (rows < 0 || !sum || sum->bytes.size() != 16)
        return Error{ .kind = Kind::corrupt, .why = "this is no checksum of a table" };
    ByteReader reader(sum->bytes);
    RowSum read{ .rows = static_cast<std::uint64_t>(rows) };
    read.low = TRY(reader.u64());
    read.high = TRY(reader.u64());
    return read;
}

} // namespace respawn::component
