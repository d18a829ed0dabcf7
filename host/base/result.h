// Result<T>: a value or an Error. Functions that can fail return one; nothing in this program throws
// on purpose. A library's exception is turned into an Error where the library is called.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace respawn {

// What code may branch on. People read the texts of the Error instead.
enum class Kind {
    usage,        // the command was used wrongly, or the configuration is wrong (exit 2)
    missing,      // a file, snapshot, row or run that is not there
    conflict,     // the name is taken by something else
    denied,       // a wrong key, missing rights, not allowed (exit 7)
    corrupt,      // stored or foreign bytes are not what they should be
    no_space,     // disk full
    io,           // the operating system refused
    unavailable,  // a server or location that cannot be reached, or dropped us
    timeout,      // a deadline has passed
    cancelled,    // the person pressed Ctrl-C (exit 130)
    unsupported,  // asked for something this version or this engine cannot do
    script,       // a runbook's own mistake
    not_needed,   // the runbook's diagnose found nothing to do (exit 0)
    failed_check, // a check, rule or verify does not hold (exit 4)
    needs_person, // a person has to decide (exit 5)
    leased,       // another run holds the lease (exit 6)
    moved,        // the facts moved since they were shown (exit 8)
    unknown,      // cannot be told whether it happened (exit 5)
    internal,     // a mistake of this program
};

// What went wrong, in the words that reach the person:
//   could not {what} ({on})  /  why {why}  /  do {fix}
// The lowest layer fills kind, why and fix; the layer that knows the task adds what and on, once.
struct Error {
    Kind kind = Kind::internal;
    std::string what = {};
    std::string on = {};
    std::string why;
    std::string fix = {};
};

template <class T> class [[nodiscard]] Result {
  public:
    using value_type = T;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> && std::is_convertible_v<U&&, T>)
        Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T value() && { return std::get<0>(std::move(state_)); }
    Error& error() & { return std::get<1>(state_); }
    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

    // Names the task and its object, where no deeper layer has named one.
    Result while_doing(std::string_view what, std::string_view on = {}) &&;

  private:
    std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}

    bool ok() const { return !failed_; }
    explicit operator bool() const { return ok(); }
    void value() const {}
    Error& error() & { return error_; }
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }
    Result while_doing(std::string_view what, std::string_view on = {}) &&;

  private:
    Error error_;
    bool failed_ = false;
};

inline void name_task(Error& error, std::string_view what, std::string_view on) {
    if (!error.what.empty())
        return;
    error.what = what;
    error.on = on;
}

template <class T> Result<T> Result<T>::while_doing(std::string_view what, std::string_view on) && {
    if (!ok())
        name_task(error(), what, on);
    return std::move(*this);
}

inline Result<void> Result<void>::while_doing(std::string_view what, std::string_view on) && {
    if (!ok())
        name_task(error_, what, on);
    return std::move(*this);
}

} // namespace respawn

// TRY(x) is x's value, or returns x's error from the function it stands in. The name is numbered, so
// that one TRY may stand inside another.
#define RESPAWN_TRY(name, ...)                                                                         \
    ({                                                                                                 \
        auto name = (__VA_ARGS__);                                                                     \
        if (!name.ok())                                                                                \
            return std::move(name).error();                                                            \
        std::move(name).value();                                                                       \
    })
#define RESPAWN_JOIN(a, b) a##b
#define RESPAWN_NUMBERED(name, number) RESPAWN_JOIN(name, number)
#define TRY(...) RESPAWN_TRY(RESPAWN_NUMBERED(try_result_, __COUNTER__), __VA_ARGS__)
