#include "lint/script.h"

namespace respawn::lint {

// Goes through the tree with the names that are visible, and tells the script what each stands for.
class Resolver {
  public:
    explicit Resolver(Script& script) : script_(script) {}

    void block(const Node& node) {
        const auto outside = visible_.size();
        for (const auto& statement : node.parts)
            visit(statement);
        hide_from(outside);
    }

  private:
    void visit(const Node& node) {
        switch (node.form) {
        case Form::block:
            return block(node);
        case Form::name:
            return use(node, false);
        case Form::function:
            return function(node);
        case Form::local:
            return local(node);
        case Form::assign:
            return assign(node);
        case Form::loop:
            return loop(node);
        case Form::repetition:
            return repetition(node);
        default:
            for (const auto& part : node.parts)
                visit(part);
        }
        if (node.form == Form::call && node.parts.front().form == Form::name &&
            script_.is_global(node.parts.front(), "require"))
            script_.requirements_.push_back(&node);
    }

    const Local* find(std::string_view name) const {
        const auto found = by_name_.find(name);
        return found == by_name_.end() || found->second.empty() ? nullptr : found->second.back();
    }
    void hide_from(std::size_t outside) {
        for (; visible_.size() > outside; visible_.pop_back())
            by_name_.find(visible_.back()->name)->second.pop_back();
    }
    Local& declare(const Node& name, Local::Kind kind, const Node* value) {
        auto& local = script_.locals_.emplace_back(Local{ .name = name.text,
                                                          .line = name.line,
                                                          .kind = kind,
                                                          .value = value,
                                                          .hides = find(name.text) });
        visible_.push_back(&local);
        by_name_[local.name].push_back(&local);
        script_.local_of_[&name] = &local;
        return local;
    }
    void use(const Node& name, bool written) {
        auto* local = const_cast<Local*>(find(name.text)); // the script's own, which is being made
        if (!local)
            return script_.globals_.push_back({ &name, written });
        script_.local_of_[&name] = local;
        ++(written ? local->writes : local->reads);
    }

    // The value of the name at `at`; not of one behind the last value, which may be one of several
    // results.
    static const Node* value_at(const Node& values, std::size_t at) {
        return at < values.parts.size() ? &values.parts[at] : nullptr;
    }
    void local(const Node& node) {
        const auto& names = node.parts[0].parts;
        const bool function = node.text == "function"; // knows itself
        if (function)
            declare(names[0], Local::Kind::function, &node.parts[1].parts[0]);
        for (const auto& value : node.parts[1].parts)
            visit(value);
        for (std::size_t i = 0; !function && i < names.size(); ++i)
            declare(names[i], Local::Kind::variable, value_at(node.parts[1], i));
    }
    void assign(const Node& node) {
        for (const auto& target : node.parts[0].parts)
            if (target.form == Form::name)
                use(target, true);
            else
                visit(target);
        for (const auto& value : node.parts[1].parts)
            visit(value);
    }
    void loop(const Node& node) {
        visit(node.parts[1]);
        const auto outside = visible_.size();
        for (const auto& name : node.parts[0].parts)
            declare(name, Local::Kind::counter, nullptr);
        block(node.parts[2]);
        hide_from(outside);
    }
    // What is local in the body of `repeat` is seen by its condition.
    void repetition(const Node& node) {
        if (node.text == "while") {
            visit(node.parts[0]);
            return block(node.parts[1]);
        }
        const auto outside = visible_.size();
        for (const auto& statement : node.parts[1].parts)
            visit(statement);
        visit(node.parts[0]);
        hide_from(outside);
    }
    void function(const Node& node) {
        const auto outside = visible_.size();
        for (const auto& name : parameters_of(node))
            if (name.form == Form::name)
                declare(name, Local::Kind::parameter, nullptr).belongs_to = &node;
        block(body_of(node));
        hide_from(outside);
    }

    Script& script_;
    std::vector<const Local*> visible_;
    std::map<std::string, std::vector<const Local*>, std::less<>> by_name_;
};

Script::Script(std::string name, std::string_view source)
    : name_(std::move(name)), tree_(read_tree(source)) {
    if (tree_.fault)
        return;
    Resolver(*this).block(tree_.root);
    find_returned();
    find_fields();
}

const Local* Script::local_of(const Node& name) const {
    const auto found = local_of_.find(&name);
    return found == local_of_.end() ? nullptr : found->second;
}

bool Script::is_global(const Node& node, std::string_view name) const {
    return node.form == Form::name && node.text == name && !local_of(node);
}

const Node& Script::meant(const Node& node) const {
    const auto* here = &node;
    for (int steps = 0; steps < most_levels && here->form == Form::name; ++steps) {
        const auto* local = local_of(*here);
        if (!local || !local->value || local->writes > 0)
            break;
        here = local->value;
    }
    return *here;
}

std::optional<std::string> Script::text_of(const Node& node) const {
    int steps = 1000; // names that double each other would take forever
    return text_within(node, steps);
}

std::optional<std::string> Script::text_within(const Node& node, int& steps) const {
    const auto& told = meant(node);
    if (told.form == Form::text)
        return told.text;
    if (told.form != Form::binary || told.text != ".." || --steps < 0)
        return std::nullopt;
    const auto left = text_within(told.parts[0], steps);
    const auto right = left ? text_within(told.parts[1], steps) : std::nullopt;
    return right ? std::optional(*left + *right) : std::nullopt;
}

const std::vector<Node>& Script::items_of(const Node& node) const {
    static const std::vector<Node> none;
    const auto& told = meant(node);
    return told.form == Form::table ? told.parts : none;
}

std::string Script::module_of(const Node& node) const {
    const auto& call = meant(node);
    const bool requires_one =
        call.form == Form::call && call.parts.size() == 2 && is_global(call.parts[0], "require");
    return requires_one ? text_of(call.parts[1]).value_or("") : "";
}

bool Script::is_returned(const Node& node) const {
    return node.form == Form::name && returned_local_ && local_of(node) == returned_local_;
}

void Script::find_returned() {
    const auto& statements = tree_.root.parts;
    if (statements.empty() || statements.back().form != Form::leave || statements.back().parts.empty())
        return;
    const auto& value = statements.back().parts.front();
    returned_local_ = value.form == Form::name ? local_of(value) : nullptr;
    const auto& told = returned_local_ && returned_local_->value ? *returned_local_->value : value;
    returned_ = told.form == Form::table ? &told : nullptr;
}

void Script::note_field(const std::string& key, const Node& value) {
    const auto& told = meant(value);
    if (told.form != Form::function)
        return void(fields_.insert_or_assign(key, &value));
    if (functions_.insert_or_assign(key, &told).second)
        written_functions_.push_back(key);
}

void Script::find_fields() {
    if (!returned_)
        return;
    for (const auto& item : returned_->parts)
        if (item.form == Form::named)
            note_field(item.text, item.parts[0]);
    for (const auto& statement : tree_.root.parts)
        for (std::size_t i = 0; statement.form == Form::assign && i < statement.parts[0].parts.size();
             ++i) {
            const auto& target = statement.parts[0].parts[i];
            const bool field = target.form == Form::index && is_returned(target.parts[0]);
            if (field && !key_of(target).empty() && i < statement.parts[1].parts.size())
                note_field(std::string(key_of(target)), statement.parts[1].parts[i]);
        }
}

const std::vector<Node>& parameters_of(const Node& function) { return function.parts[0].parts; }
const Node& body_of(const Node& function) { return function.parts[1]; }

std::string_view key_of(const Node& index) {
    const bool named = index.form == Form::index && index.parts[1].form == Form::text;
    return named ? std::string_view(index.parts[1].text) : std::string_view();
}

std::string dotted(const Node& node) {
    if (node.form == Form::name)
        return node.text;
    if (key_of(node).empty())
        return "";
    const auto left = dotted(node.parts[0]);
    return left.empty() ? "" : left + "." + std::string(key_of(node));
}

} // namespace respawn::lint
