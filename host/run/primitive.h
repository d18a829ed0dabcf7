// A primitive: one thing the host can do for a runbook. From its definition come the Lua stub, the
// argument checks, the dry-run line, the documentation, the editor's type file and the journal's entry.
// The definitions stand in bindings/primitives, one file each, listed in primitives.cpp.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"
#include "database/database.h"
#include "journal/journal.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::run {

class Game;
class Mode;

enum class Type {
    any,
    text,
    integer,
    real,
    boolean,
    list,
    map,
    component,
    snapshot,
    stream,
    duration,
    channel,
    chain,
    location,
    table
};
std::string_view name_of(Type type);

// What a runbook must declare in `uses` to call it.
enum class Capability {
    none,
    vault_read,
    vault_write,
    sql_read,
    sql_write,
    files_read,
    files_write,
    service,
    chain,
    http,
    notify,
    lockdown,
    redis_read,
    redis_write
};
std::string_view name_of(Capability capability); // "vault.read"

enum class Effect {
    reads,       // changes nothing, or decides over the run (require, check, fail)
    asks,        // lets a person choose; the answer is kept, nothing is changed
    writes_rows, // rows of one database, in one transaction with the run's marker
    restores,    // puts a component back from a snapshot
    changes,     // anything else outside the run
};

bool changes_something(Effect effect);

// Which call of which run: what a repeated call and a probe recognise it by.
struct CallName {
    std::string run;
    std::int64_t position = 0;
    std::string key() const; // "01J….7"
};

// One call, its arguments checked and defaults filled in.
class Call {
  public:
    Call(const Value::Map& arguments, Game& game, Mode& mode, CallName name)
        : arguments_(arguments), game_(game), mode_(mode), name_(std::move(name)) {}
    const Value& operator[](std::string_view parameter) const;
    std::string text(std::string_view parameter) const {
        return (*this)[parameter].text() ? *(*this)[parameter].text() : std::string();
    }
    std::int64_t integer(std::string_view parameter) const {
        return (*this)[parameter].integer() ? *(*this)[parameter].integer() : 0;
    }
    bool truth(std::string_view parameter) const {
        return (*this)[parameter].boolean() && *(*this)[parameter].boolean();
    }
    const Value::List& list(std::string_view parameter) const;
    const Value::Map& map(std::string_view parameter) const;
    Game& game() const { return game_; }
    // Reads of a component's database as the mode wants them: live, or what a dry run has changed so
    // far.
    Result<database::Reader*> reader(std::string_view component) const;
    // What is wrong with a component's data, likewise.
    Result<std::vector<std::string>> faults(std::string_view component) const;
    const CallName& name() const { return name_; }

  private:
    const Value::Map& arguments_;
    Game& game_;
    Mode& mode_;
    CallName name_;
};

// What a restoring primitive wants done.
struct Restoration {
    std::string component;
    std::string snapshot;              // id
    std::string allow_violations = {}; // why rows that break rules may come back; empty: they may not
};

// What a probe found out.
struct Settled {
    enum class Answer { happened, did_not, unknown } answer = Answer::unknown;
    Value result;    // of the effect, when it happened
    std::string why; // for a person, when it is unknown
};

struct Parameter {
    std::string_view name;
    Type type = Type::any;
    std::string_view doc;
    std::optional<Value> fallback = std::nullopt; // what it is when left out
    bool optional = false;                        // may be left out, and is null then
};

struct Primitive {
    std::string_view name;
    std::string_view summary;
    Effect effect = Effect::reads;
    Capability capability = Capability::none;
    journal::Policy policy = journal::Policy::none;
    bool positional = false; // called as name(a, b) instead of name { x = a }
    std::vector<Parameter> params = {};
    std::string_view returns = "nothing";
    std::string_view
        would = {}; // "copy snapshot {snapshot} to {to}": what a dry run shows, behind "would"
    // How things stand that the line is about ("it runs for 3 h"): a dry run shows it behind the line,
    // and no plan is held to it. An Error ends the dry run.
    Result<std::string> (*facts)(const Call& call) = nullptr;
    std::string_view example = {};
    // One of the three, by effect; none for one that asks.
    Result<Value> (*run)(const Call& call) = nullptr;
    Result<database::Write> (*write)(const Call& call) = nullptr;
    Result<Restoration> (*restore)(const Call& call) = nullptr;
    // Of an effect of kind changes: what the script gets where the call is only recorded, in a
    // rehearsal, so that it goes on to its end. It may look, and change nothing. Without it a symbol.
    Result<Value> (*recorded)(const Call& call) = nullptr;
    // With Policy::probe on an effect of kind changes.
    Result<Settled> (*probe)(const Call& call) = nullptr;
};

using Primitives = std::vector<const Primitive*>;

const Primitive* find(const Primitives& primitives, std::string_view name);
// Kind::internal for a definition that may not be used: an effect without a policy, a missing function,
// a capability that an effect needs. Checked when the list is built, so that such a program does not
// start.
Result<void> must_be_sound(const Primitives& primitives);
// What workers are told of the primitives: names and parameters (docs/protocol.md).
Value stubs_of(const Primitives& primitives);
// Fills defaults; Kind::script names an unknown, missing or mistyped argument and what it should be.
Result<Value::Map> check_arguments(const Primitive& primitive, const Value& arguments);
// The dry-run line with the arguments filled in.
std::string would_text(const Primitive& primitive, const Value::Map& arguments);

} // namespace respawn::run
