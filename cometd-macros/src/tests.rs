//! What the attributes expand to, and what they say about mistakes, as token text.
//!
//! That the expansion compiles is tested where the runtime half is: in `tests/ui`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use crate::entry;

/// Token text without the spaces between the tokens, which depend on where a token comes from.
fn normal(source: &str) -> String {
    let tokens: TokenStream = source
        .parse()
        .unwrap_or_else(|error| panic!("{source}: {error}"));
    tokens.to_string().split_whitespace().collect()
}

fn service(arguments: &str, item: &str) -> String {
    entry::service(arguments.parse().unwrap(), &item.parse().unwrap()).to_string()
}

fn handlers(arguments: &str, item: &str) -> String {
    entry::handlers(arguments.parse().unwrap(), &item.parse().unwrap()).to_string()
}

fn check_contains(expansion: &str, expected: &str) {
    let (expansion, expected) = (normal(expansion), normal(expected));
    assert!(
        expansion.contains(&expected),
        "missing:\n{expected}\nin:\n{expansion}"
    );
}

/// The row of `method` in an impl with nothing else in it.
fn check_row(method: &str, expected: &str) {
    let expansion = handlers("", &format!("impl Chat {{ {method} }}"));
    check_contains(&expansion, &format!("= &[{expected},];"));
}

/// The texts of the errors in an expansion, in order.
fn errors(expansion: &str) -> Vec<String> {
    let tokens: TokenStream = expansion.parse().unwrap();
    let mut tokens = tokens.into_iter();
    let mut errors = Vec::new();
    while let Some(token) = tokens.next() {
        if token.to_string() != "compile_error" {
            continue;
        }
        let Some(TokenTree::Group(text)) = tokens.nth(1) else {
            panic!("{expansion}");
        };
        let text: syn::LitStr = syn::parse2(text.stream()).unwrap();
        errors.push(text.value());
    }
    errors
}

fn check_method_errors(method: &str, expected: &[&str]) {
    let expansion = handlers("", &format!("impl Chat {{ {method} }}"));
    assert_eq!(errors(&expansion), expected, "{method}");
    check_contains(
        &expansion,
        "const METHODS: &'static [::cometd::__private::Method<Self>] = &[];",
    );
    assert!(!expansion.contains("# [listener"), "{expansion}");
    assert!(!expansion.contains("# [configure"), "{expansion}");
}

fn check_service_errors(arguments: &str, item: &str, expected: &[&str]) {
    let expansion = service(arguments, item);
    assert_eq!(errors(&expansion), expected, "{item}");
    assert!(!expansion.contains("inventory"), "{expansion}");
}

const LOCATION: &str =
    "::cometd::__private::Location::new(::core::file!(), ::core::line!(), ::core::column!())";

/// What an attributed item expands to: the attribute is taken off and its macro called.
fn expand(mut item: syn::Item) -> String {
    let attributes = match &mut item {
        syn::Item::Struct(it) => &mut it.attrs,
        syn::Item::Impl(it) => &mut it.attrs,
        _ => panic!("neither a struct nor an impl"),
    };
    let attribute = attributes.remove(0);
    let (name, arguments) = match &attribute.meta {
        syn::Meta::List(list) => (&list.path, list.tokens.clone()),
        meta => (meta.path(), TokenStream::new()),
    };
    let item = item.to_token_stream();
    if name.is_ident("service") {
        entry::service(arguments, &item).to_string()
    } else {
        entry::handlers(arguments, &item).to_string()
    }
}

#[test]
fn each_method_expands_to_one_row() {
    let source = syn::parse_file(include_str!("tests/chat.rs")).unwrap();
    let expansion: String = source.items.into_iter().map(expand).collect();
    assert_eq!(
        normal(&expansion),
        normal(include_str!("tests/chat.expanded.rs"))
    );
}

#[test]
fn a_unit_service_is_defined_constructed_and_registered() {
    let expected = format!(
        r#"
        struct Chat;
        #[automatically_derived]
        impl ::cometd::__private::Service for Chat {{
            const DEFINITION: ::cometd::__private::Definition =
                ::cometd::__private::Definition::new("chat", {LOCATION});
            fn construct(context: &mut ::cometd::__private::ServiceContext<'_>) -> ::core::option::Option<Self> {{
                let _ = context;
                ::core::option::Option::Some(Self)
            }}
        }}
        ::cometd::__private::inventory::submit! {{ ::cometd::__private::Registration::of::<Chat>() }}
        "#
    );
    assert_eq!(
        normal(&service(r#""chat""#, "struct Chat;")),
        normal(&expected)
    );
}

#[test]
fn all_fields_ask_the_context_before_the_struct_is_built() {
    let item = "#[derive(Debug)] struct Chat {
        #[session] session: LocalSession,
        #[doc = \"rooms\"] #[cometd::inject] rooms: Arc<Rooms>,
        #[cfg(feature = \"x\")] #[inject] x: X,
        members: Members,
    }";
    let expansion = service(r#""chat", order = -5"#, item);
    check_contains(
        &expansion,
        "#[derive(Debug)] struct Chat {
            session: LocalSession,
            #[doc = \"rooms\"] rooms: Arc<Rooms>,
            #[cfg(feature = \"x\")] x: X,
            members: Members,
        }",
    );
    let construct = format!(
        "{{
            let field_0 = context.session();
            let field_1 = context.inject({LOCATION});
            #[cfg(feature = \"x\")] let field_2 = context.inject({LOCATION});
            ::core::option::Option::Some(Self {{
                session: field_0,
                rooms: field_1?,
                #[cfg(feature = \"x\")] x: field_2?,
                members: ::core::default::Default::default()
            }})
        }}"
    );
    check_contains(&expansion, &construct);
    check_contains(&expansion, ".order(-5);");
}

#[test]
fn a_tuple_struct_is_built_in_order() {
    let expansion = service(
        r#""chat""#,
        "struct Chat(#[inject] Rooms, #[session] LocalSession, u8);",
    );
    check_contains(
        &expansion,
        "Self(field_0?, field_1, ::core::default::Default::default())",
    );
}

#[test]
fn the_runtime_can_live_elsewhere() {
    let expansion = service(r#""chat", crate = "crate::bayeux""#, "struct Chat;");
    check_contains(
        &expansion,
        "impl crate::bayeux::__private::Service for Chat",
    );
    let item = r#"impl Chat { #[listener("/chat")] fn chat(&self) {} }"#;
    let expansion = handlers(r#"crate = "::bayeux""#, item);
    check_contains(&expansion, "impl ::bayeux::__private::Handlers for Chat");
    assert!(!expansion.contains("cometd"), "{expansion}");
}

#[test]
fn a_synchronous_listener_is_called_now() {
    let expected = format!(
        r#"::cometd::__private::Method::listener(
            "chat", &["/chat", "/lobby"], ::cometd::__private::OwnPublishes::Ignore, {LOCATION},
            |service, _| ::cometd::__private::now(move || {{
                ::core::result::Result::Ok(::cometd::__private::IntoOutcome::into_outcome(Self::chat(service)))
            }})
        )"#
    );
    check_row(
        r#"#[listener("/chat", "/lobby")] fn chat(&self) -> bool { true }"#,
        &expected,
    );
}

#[test]
fn an_asynchronous_listener_is_called_later() {
    let expected = format!(
        r#"::cometd::__private::Method::listener(
            "join", &["/service/members"], ::cometd::__private::OwnPublishes::Receive, {LOCATION},
            |service, call| ::cometd::__private::later(move || async move {{
                let argument_0 = ::cometd::__private::Lend::lend(&call)?;
                let argument_1 = ::cometd::__private::FromCall::from_call(&call)?;
                let argument_2 = call.message();
                ::core::result::Result::Ok(::cometd::__private::IntoOutcome::into_outcome(
                    Self::join(service, argument_0, argument_1, argument_2).await
                ))
            }})
        )"#
    );
    check_row(
        r#"#[cometd::listener("/service/members", own = true)]
        async fn join(&self, session: &ServerSession, Data(join): Data<Join>, message: &Message) {}"#,
        &expected,
    );
}

#[test]
fn template_parameters_are_passed_by_name() {
    let expected = format!(
        r#"::cometd::__private::Method::listener(
            "type", &["/chat/{{room}}/{{type}}"], ::cometd::__private::OwnPublishes::Ignore, {LOCATION},
            |service, call| ::cometd::__private::now(move || {{
                let argument_0 = call.parse_parameter("type")?;
                let argument_1 = call.parameter("room")?;
                ::core::result::Result::Ok(::cometd::__private::IntoOutcome::into_outcome(
                    Self::r#type(service, argument_0, &argument_1)
                ))
            }})
        )"#
    );
    check_row(
        r##"#[listener("/chat/{room}/{type}")] fn r#type(&self, mut r#type: Kind, room: &str) {}"##,
        &expected,
    );
}

#[test]
fn the_message_is_lent_for_changing_after_all_other_arguments() {
    let expected = format!(
        r#"::cometd::__private::Method::listener(
            "chat", &["/chat"], ::cometd::__private::OwnPublishes::Ignore, {LOCATION},
            |service, mut call| ::cometd::__private::now(move || {{
                let argument_1 = ::cometd::__private::Lend::lend(&call)?;
                let argument_0 = call.message_mut();
                ::core::result::Result::Ok(::cometd::__private::IntoOutcome::into_outcome(
                    Self::chat(service, argument_0, argument_1)
                ))
            }})
        )"#
    );
    check_row(
        r#"#[listener("/chat")] fn chat(&self, message: &mut cometd::Message, session: &ServerSession) {}"#,
        &expected,
    );
}

#[test]
fn configure_rows_name_the_service_only_if_the_method_does() {
    let expected = format!(
        r#"::cometd::__private::Method::configure(
            "rooms", &["/chat/**"], ::cometd::__private::IfExists::Error, {LOCATION},
            |_, channel| ::cometd::__private::IntoCompletion::into_completion(Self::rooms(channel))
        ),
        #[cfg(feature = "members")]
        ::cometd::__private::Method::configure(
            "members", &["/members/*"], ::cometd::__private::IfExists::Run, {LOCATION},
            |service, channel| ::cometd::__private::IntoCompletion::into_completion(Self::members(service, channel))
        )"#
    );
    check_row(
        r#"#[configure("/chat/**")] fn rooms(channel: &mut ChannelConfig) {}
        #[cfg(feature = "members")]
        #[configure("/members/*", if_exists = "run")]
        fn members(&self, channel: &mut ChannelConfig) -> Result<(), Error> { Ok(()) }"#,
        &expected,
    );
}

#[test]
fn a_remote_call_answers_with_what_it_returns() {
    let expected = format!(
        r#"::cometd::__private::Method::remote_call(
            "history", &["rooms/{{room}}/history"], {LOCATION},
            |service, call| ::cometd::__private::later(move || async move {{
                let argument_0 = call.parse_parameter("room")?;
                let argument_1 = ::cometd::__private::FromCall::from_call(&call)?;
                ::core::result::Result::Ok(::cometd::__private::IntoAnswer::into_answer(
                    ::cometd::__private::Returned::new(
                        Self::history(service, argument_0, argument_1).await
                    ).returned_kind()
                ))
            }})
        )"#
    );
    check_row(
        r#"#[remote_call("rooms/{room}/history")]
        async fn history(&self, room: Room, Data(page): Data<Page>) -> Result<Lines, Gone> { lines() }"#,
        &expected,
    );
}

#[test]
fn a_remote_call_that_takes_its_caller_answers_through_it() {
    let expected = format!(
        r#"::cometd::__private::Method::remote_call(
            "history", &["history"], {LOCATION},
            |service, call| ::cometd::__private::now(move || {{
                let argument_0 = call.caller()?;
                ::core::result::Result::Ok(
                    ::cometd::__private::IntoAcceptance::into_acceptance(Self::history(service, argument_0))
                )
            }})
        )"#
    );
    check_row(
        r#"#[remote_call("history")] fn history(&self, caller: cometd::Caller) {}"#,
        &expected,
    );
}

#[test]
fn a_subscription_has_an_outcome_that_concerns_nobody() {
    let expected = format!(
        r#"::cometd::__private::Method::subscription(
            "heard", &["/chat/*", "/lobby"], {LOCATION},
            |service, _| ::cometd::__private::now(move || {{
                ::core::result::Result::Ok(::cometd::__private::IntoCompletion::into_completion(Self::heard(service)))
            }})
        )"#
    );
    check_row(
        r#"#[subscription("/chat/*", "/lobby")] fn heard(&self) {}"#,
        &expected,
    );
}

#[test]
fn the_life_of_a_service_has_a_start_and_an_end() {
    let expected = format!(
        r#"::cometd::__private::Method::post_construct(
            "start", {LOCATION},
            |service| ::cometd::__private::later(move || async move {{
                ::core::result::Result::Ok(::cometd::__private::IntoCompletion::into_completion(Self::start(service).await))
            }})
        ),
        ::cometd::__private::Method::pre_destroy(
            "end", {LOCATION},
            |service| ::cometd::__private::now(move || {{
                ::core::result::Result::Ok(::cometd::__private::IntoCompletion::into_completion(Self::end(service)))
            }})
        )"#
    );
    check_row(
        "#[post_construct] async fn start(&self) {} #[pre_destroy] fn end(&self) {}",
        &expected,
    );
}

#[test]
fn methods_without_an_attribute_of_ours_stay_as_they_are() {
    let item = r#"impl Chat {
        #[inline] fn helper() {}
        #[inline] #[listener("/chat")] fn chat(&self) {}
        #[instrument("/chat")] fn heard(&self) {}
    }"#;
    let expansion = handlers("", item);
    check_contains(&expansion, "#[inline] fn helper() {}");
    check_contains(&expansion, "#[instrument(\"/chat\")] fn heard(&self) {}");
}

#[test]
fn mistakes_of_a_service_are_reported_together() {
    check_service_errors(
        r#""my chat", order = 1"#,
        "struct Chat<T> { #[session] #[inject] both: T, #[inject(1)] rooms: T }",
        &[
            "a service is a single thing that the server makes: remove the generics from its type",
            "' ' is not allowed in the name of a service, only letters, digits, `_`, `.` and `-`",
            "a field has one source: remove `#[session]` or `#[inject]`",
            "`#[inject]` has no arguments: write `#[inject]`",
        ],
    );
}

#[test]
fn options_of_a_service_are_checked() {
    let check = |arguments, expected| check_service_errors(arguments, "struct Chat;", &[expected]);
    check(
        "",
        "expected the name of the service, such as `#[service(\"chat\")]`",
    );
    check(
        r#""""#,
        "the name of a service is not empty: write one such as \"chat\"",
    );
    check(
        r#""chat", order = 1, order = 2"#,
        "`order` is given twice: remove one",
    );
    check(
        r#""chat", order = 1u8"#,
        "an `order` is an `i32`: remove the suffix",
    );
    check(
        r#""chat", order = first"#,
        "expected a whole number, such as `order = 1`",
    );
    check(
        r#""chat", order = 2147483648"#,
        "an `order` is an `i32`: from -2147483648 to 2147483647",
    );
    check(r#""chat", name = "x""#, "expected `order` or `crate`");
    check(
        r#""chat", crate = "a b""#,
        "expected the path of the `cometd` crate, such as \"::cometd\"",
    );
}

#[test]
fn mistakes_of_methods_are_reported_together_once_each() {
    check_method_errors(
        r#"#[listener("chat")] fn one(&mut self) {}
        #[listener("/chat/{room}")] fn two(&self, rom: &str) {}
        #[configure("/chat/{room}")] async fn three(channel: &ChannelConfig) {}"#,
        &[
            "a service is shared by all sessions: write `&self`, and keep what changes in a lock or an atomic",
            "a channel starts with `/`: write \"/chat\"",
            "no template parameter is called `rom`: rename the argument to `room`",
            "a channel is configured while nobody can see it yet, so this cannot wait: remove `async`",
            "a `#[configure]` method has one argument, `channel: &mut ChannelConfig`",
            "a template is not a channel that can be configured: use a wildcard, as in \"/chat/*\"",
        ],
    );
}

#[test]
fn a_method_has_one_attribute_of_ours() {
    check_method_errors(
        r#"#[listener("/a")] #[listener("/b")] fn chat(&self) {}"#,
        &["`chat` has two `#[listener]`: list the channels in one, `#[listener(\"/a\", \"/b\")]`"],
    );
    check_method_errors(
        r#"#[configure("/a")] #[listener("/b")] fn chat(&self) {}"#,
        &["`chat` cannot be `#[configure]` as well as `#[listener]`: write two methods"],
    );
}

#[test]
fn template_parameters_and_arguments_belong_together() {
    check_method_errors(
        r#"#[listener("/a/{x}", "/b/{y}/{x}")] fn chat(&self, x: u8) {}"#,
        &["the template parameter `y` has no argument: add `y: &str` to `chat`"],
    );
    check_method_errors(
        r#"#[listener("/a/{x}", "/b")] fn chat(&self, x: u8) {}"#,
        &[
            "\"/b\" has no template parameter for the argument `x`: give this channel a method of its own",
        ],
    );
    check_method_errors(
        r#"#[listener("/a")] fn chat(&self, x: &str) {}"#,
        &[
            "\"/a\" has no template parameter for this argument: add the segment `{x}` to it, or remove the argument",
        ],
    );
    check_method_errors(
        r#"#[listener("/a/{x}")] fn chat(&self, x: &Room) {}"#,
        &[
            "the template parameter `x` is parsed into a value of its own: write `x: Room` or `x: &str`",
        ],
    );
}

#[test]
fn a_channel_is_configured_once() {
    check_method_errors(
        r#"#[configure("/a", "/b")] fn one(channel: &mut ChannelConfig) {}
        #[configure("/b", if_exists = "run")] fn two(channel: &mut ChannelConfig) {}"#,
        &[
            "the channel \"/b\" is configured twice: remove it here or from `one`",
            "\"/b\" is first configured here",
        ],
    );
}

#[test]
fn alternatives_under_cfg_may_configure_the_same_channel() {
    let item = r#"impl Chat {
        #[cfg(unix)] #[configure("/a")] fn one(channel: &mut ChannelConfig) {}
        #[cfg(not(unix))] #[configure("/a")] fn two(channel: &mut ChannelConfig) {}
    }"#;
    assert_eq!(errors(&handlers("", item)), [""; 0]);
}

#[test]
fn a_remote_call_is_answered_once() {
    check_method_errors(
        r#"#[remote_call("contacts/{user}")] fn one(&self, user: &str) {}
        #[remote_call("/contacts/all")] fn two(&self) {}"#,
        &["the remote call \"contacts/all\" is answered twice: remove it here or from `one`"],
    );
}

#[test]
fn arguments_are_refused_where_they_cannot_be() {
    let subscription = |argument: &str, expected| {
        let method = format!(r#"#[subscription("/a")] fn heard(&self, it: {argument}) {{}}"#);
        check_method_errors(&method, &[expected]);
    };
    let unknown =
        "a subscription does not know who published: remove this, or write `#[listener(..)]`";
    subscription("&ServerSession", unknown);
    subscription("Option<cometd::ServerSession>", unknown);
    subscription(
        "&mut Message",
        "a subscription shares the message with other subscribers: \
         write `&Message`, or `#[listener(..)]` to change it",
    );
    let nobody = "nobody waits for an answer here: only a `#[remote_call]` has a `Caller`";
    subscription("Caller", nobody);
    check_method_errors(
        r#"#[listener("/a")] fn heard(&self, caller: Caller) {}"#,
        &[nobody],
    );
    check_method_errors(
        r#"#[remote_call("a")] fn answer(&self, caller: &Caller) {}"#,
        &["an answer uses up its caller: write `Caller` without `&`"],
    );
}

#[test]
fn a_service_starts_and_ends_once() {
    check_method_errors(
        "#[post_construct] fn one(&self) {} #[post_construct] fn two(&self, x: u8) {} #[pre_destroy(1)] fn end() {}",
        &[
            "a `#[post_construct]` method has no arguments but `&self`: keep what it needs in a field",
            "`#[pre_destroy]` has no arguments: write `#[pre_destroy]`",
            "a `#[pre_destroy]` method is called on its service: write `&self` as the first argument",
            "`one` is `#[post_construct]` already: call this from there",
        ],
    );
}

#[test]
fn attributes_on_the_wrong_item_leave_it_alone() {
    let expansion = service(r#""chat""#, "enum Chat {}");
    check_contains(&expansion, "enum Chat {}");
    assert_eq!(
        errors(&expansion),
        ["`#[service]` goes on a struct; its methods go in a `#[handlers]` impl"]
    );
    let expansion = handlers("", "struct Chat;");
    check_contains(&expansion, "struct Chat;");
    assert_eq!(
        errors(&expansion),
        ["`#[handlers]` goes on the impl of a service, `impl Chat { .. }`"]
    );
}
